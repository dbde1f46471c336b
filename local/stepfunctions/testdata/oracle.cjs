// Runs definitions in aws-local-stepfunctions: reads [{definition, input}] and writes [{output} or {error}].
// It needs Promise.withResolvers, which Node has from version 22 on.
Promise.withResolvers ??= function () {
  let resolve, reject;
  const promise = new Promise((a, b) => { resolve = a; reject = b; });
  return { promise, resolve, reject };
};
const { StateMachine } = require('aws-local-stepfunctions');

async function run({ definition, input }) {
  try {
    return { output: await new StateMachine(definition, { validationOptions: { noValidate: true } }).run(input).result };
  } catch (e) {
    return { error: e.cause?.name ?? e.name, message: e.message };
  }
}

(async () => {
  const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'));
  // Timers of finished executions would keep the process for a while.
  process.stdout.write(JSON.stringify(await Promise.all(cases.map(run))), () => process.exit(0));
})();
