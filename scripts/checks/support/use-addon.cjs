// Uses the addon whose file is given, once through each of its parts.
const assert = require('node:assert');

const core = require(process.argv[2]);
const heap = core.createHeap(10);
for (const priority of [1, 3, 2]) heap.push(priority, priority * 10);
assert.deepStrictEqual([heap.pop(), heap.priority[0], heap.pop(), heap.pop(), heap.pop()], [30, 3, 20, 10, undefined]);
const memory = core.readHostMemory('/proc', '/sys/fs/cgroup');
if (process.platform === 'linux') assert(memory.totalBytes > 0);
console.log(`interface ${core.interfaceVersion}`);
