/** A contender that does as it is told: what the tests of the harness start. Plain JavaScript, so that it starts without a build. */
const events = [];
process.once('message', ({ input }) => {
  switch (input.does) {
    case 'measure':
      process.send(
        {
          measurements: [
            { metric: 'rate', unit: 'op/s', value: input.value },
            { metric: 'pid', unit: '', value: process.pid },
          ],
        },
        () => process.disconnect(),
      );
      break;
    case 'fail':
      process.send({ error: 'the toy broke' }, () => process.disconnect());
      break;
    case 'measure nonsense':
      process.send({ measurements: [{ metric: 'rate', unit: 'op/s', value: null }] }, () => process.disconnect());
      break;
    case 'crash':
      process.exit(3);
      break;
    case 'hang':
      // Keeps the process alive without end.
      setInterval(() => events.push(0), 1_000);
      break;
    default:
      throw new Error(`Unknown order ${JSON.stringify(input)}`);
  }
});
