/** Keeps standard output for what a command promises to write there: whatever agents print goes to standard error. */
import { Writable } from 'node:stream';

/** @returns the only way to standard output from now on */
export function takeStandardOutput(): Writable {
  const { stdout, stderr } = process;
  const write = stdout.write.bind(stdout);
  stdout.write = stderr.write.bind(stderr) as typeof stdout.write;
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      write(chunk, (error) => done(error));
    },
  });
}
