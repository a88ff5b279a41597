// Reads a YAML file, checks it against the published schema of AsyncAPI 3.0 and prints what it holds and what is wrong.
// Usage: node asyncapi.mjs FILE

import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import specs from '@asyncapi/specs';
import { parse } from 'yaml';

const document = parse(readFileSync(process.argv[2], 'utf8'));
const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
const validate = ajv.compile(specs.schemasWithoutId['3.0.0']);

const wrong = (what) => (validate(what) ? [] : validate.errors.map(({ instancePath, message }) => `${instancePath} ${message}`));
const errors = wrong(document);
const broken = wrong({ ...document, operations: { x: { action: 'dance' } } });
console.log(JSON.stringify({ errors, document, errors_when_broken: broken.length }));
