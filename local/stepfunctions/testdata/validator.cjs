// Asks asl-validator about definitions: reads [definition] and writes [{valid, errors}].
// It makes a schema compiler for every definition, which takes most of a second: here they share one.
const path = require('path');
const ajv = require(require.resolve('ajv', { paths: [path.dirname(require.resolve('asl-validator'))] }));
const Ajv = ajv.default;
let shared;
ajv.default = function (options) {
  if (shared) {
    shared.addKeyword = () => shared; // The formats' own keywords are there already.
  }
  return (shared ??= new Ajv(options));
};
const validate = require('asl-validator');

const answers = JSON.parse(require('fs').readFileSync(0, 'utf8')).map((definition) => {
  const { isValid, errors } = validate(definition);
  return { valid: isValid, errors: errors.map((e) => e['Error code'] ?? e) };
});
process.stdout.write(JSON.stringify(answers));
