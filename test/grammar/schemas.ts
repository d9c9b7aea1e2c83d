/** Hand-written schemas with values that their grammars must take, written as JSON in the declared order, and some that they must not. */
import type { JsonSchema } from '../../lib/grammar/index.js';

export interface Example {
  readonly name: string;
  readonly schema: JsonSchema;
  readonly valid: readonly unknown[];
  readonly invalid?: readonly unknown[];
}

const text = { type: 'string' };
const whole = { type: 'integer' };
const fields = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, whole]));

const OBJECTS: Example[] = [
  {
    name: 'optional properties, any of them, in order',
    schema: { type: 'object', properties: { a: text, b: whole, c: { type: 'boolean' } }, required: ['b'] },
    valid: [{ b: 1 }, { a: 'x', b: 1 }, { b: 1, c: true }, { a: '', b: -3, c: false }],
    invalid: [{}, { a: 'x' }, { c: true, b: 1 }, { b: 1.5 }, { b: 1, d: 1 }],
  },
  {
    name: 'nothing required',
    schema: { type: 'object', properties: { a: whole, b: whole }, additionalProperties: false },
    valid: [{}, { a: 1 }, { b: 1 }, { a: 1, b: 2 }],
    invalid: [{ c: 1 }],
  },
  {
    name: 'everything required',
    schema: { type: 'object', properties: { a: whole, b: text }, required: ['b', 'a'], additionalProperties: false },
    valid: [{ a: 1, b: 'x' }],
    invalid: [{ a: 1 }, {}],
  },
  {
    name: 'no property at all',
    schema: { type: 'object', additionalProperties: false },
    valid: [{}],
    invalid: [{ a: 1 }],
  },
  { name: 'any object', schema: { type: 'object' }, valid: [{}, { a: { b: [1, null] } }], invalid: [[], 'x'] },
  {
    name: 'free properties beside described ones',
    schema: {
      type: 'object',
      properties: { ab: whole, abc: whole, 'x"y': text },
      required: ['abc'],
      additionalProperties: { type: 'boolean' },
    },
    valid: [{ abc: 1 }, { ab: 1, abc: 1, 'x"y': '', abd: true, a: false, abcd: true, 'é"\\': true }],
    invalid: [{ abc: true }, { abc: 1, z: 1 }],
  },
  {
    name: 'counted free properties',
    schema: {
      type: 'object',
      properties: { a: whole, b: whole },
      additionalProperties: true,
      minProperties: 1,
      maxProperties: 3,
    },
    valid: [{ a: 1 }, { z: null }, { a: 1, b: 1, z: 'x' }, { b: 1, y: 1, z: 1 }],
    invalid: [{}, { a: 1, b: 1, y: 1, z: 1 }],
  },
  {
    name: 'counted optional properties',
    schema: {
      type: 'object',
      properties: fields(8),
      additionalProperties: false,
      minProperties: 2,
      maxProperties: 4,
      required: ['f3'],
    },
    valid: [
      { f0: 1, f3: 1 },
      { f3: 1, f7: 1 },
      { f1: 1, f3: 1, f4: 1, f6: 1 },
    ],
    invalid: [{ f3: 1 }, { f0: 1, f1: 1 }, { f0: 1, f1: 1, f2: 1, f3: 1, f4: 1 }],
  },
  {
    name: 'at most none',
    schema: { type: 'object', additionalProperties: whole, maxProperties: 0 },
    valid: [{}],
    invalid: [{ a: 1 }],
  },
  {
    name: 'records over listed keys, some of them or all',
    schema: {
      type: 'object',
      properties: {
        some: { type: 'object', propertyNames: { type: 'string', enum: ['x', 'y'] }, additionalProperties: whole },
        all: { type: 'object', propertyNames: { enum: ['x', 'y'] }, additionalProperties: whole, required: ['x', 'y'] },
      },
    },
    valid: [{}, { some: {} }, { some: { y: 1 }, all: { x: 1, y: 2 } }],
    invalid: [{ all: { x: 1 } }, { some: { z: 1 } }],
  },
  {
    name: 'names by pattern',
    schema: { type: 'object', propertyNames: { pattern: '^[a-z]{2,4}$' }, additionalProperties: whole },
    valid: [{}, { ab: 1, abcd: 2 }],
    invalid: [{ a: 1 }, { AB: 1 }],
  },
  {
    name: 'a required property that is not described',
    schema: { type: 'object', properties: { a: whole }, required: ['b'] },
    valid: [{ b: null }, { a: 1, b: [true] }],
    invalid: [{ a: 1 }],
  },
  {
    name: 'a property that must not be there',
    schema: { type: 'object', properties: { a: false, b: whole } },
    valid: [{}, { b: 1 }],
    invalid: [{ a: 1 }],
  },
  {
    name: 'sixty optional properties',
    schema: { type: 'object', properties: fields(60), required: ['f30'], additionalProperties: false },
    valid: [{ f30: 1 }, { f0: 1, f30: 1, f59: 2 }],
    invalid: [{ f0: 1, f59: 1 }],
  },
];

const ARRAYS: Example[] = [
  {
    name: 'an array',
    schema: { type: 'array', items: whole },
    valid: [[], [1], [1, 2, 3]],
    invalid: [['x'], [1, 'x']],
  },
  {
    name: 'a bounded array',
    schema: { type: 'array', items: { type: 'boolean' }, minItems: 2, maxItems: 3 },
    valid: [
      [true, false],
      [true, true, true],
    ],
    invalid: [[], [true], [true, true, true, true]],
  },
  {
    name: 'a tuple with more behind it',
    schema: { type: 'array', prefixItems: [text, whole], items: { type: 'null' }, minItems: 1, maxItems: 4 },
    valid: [['a'], ['a', 1], ['a', 1, null, null]],
    invalid: [[], ['a', 1, 2], ['a', 1, null, null, null]],
  },
  {
    name: 'a closed tuple',
    schema: { type: 'array', prefixItems: [text, whole], items: false },
    valid: [['a', 1]],
    invalid: [
      ['a', 1, 2],
      [1, 'a'],
    ],
  },
  {
    name: 'a long array',
    schema: { type: 'array', items: { const: 0 }, minItems: 600, maxItems: 3_000 },
    valid: [Array(600).fill(0), Array(1_777).fill(0), Array(3_000).fill(0)],
    invalid: [Array(599).fill(0), Array(3_001).fill(0)],
  },
  {
    name: 'a set of listed values',
    schema: {
      type: 'array',
      items: { enum: ['red', 'green', 'blue', 3] },
      uniqueItems: true,
      minItems: 1,
      maxItems: 3,
    },
    valid: [['red'], ['green', 3], ['red', 'green', 'blue']],
    invalid: [[], ['red', 'red'], ['red', 'green', 'blue', 3]],
  },
  {
    name: 'at most one, so unique',
    schema: { type: 'array', items: text, uniqueItems: true, maxItems: 1 },
    valid: [[], ['x']],
  },
  { name: 'an empty array', schema: { type: 'array', maxItems: 0 }, valid: [[]], invalid: [[1]] },
];

const STRINGS: Example[] = [
  {
    name: 'a string',
    schema: text,
    valid: ['', 'a b', '"\\/\b\f\n\r\t', 'äöü €', '😀', 'x'.repeat(1_000)],
    invalid: [1, null, 'x'.repeat(1_001)],
  },
  {
    name: 'lengths in code points',
    schema: { type: 'string', minLength: 2, maxLength: 4 },
    valid: ['ab', '😀😀', '😀\n"😀'],
    invalid: ['', '😀', 'abcde'],
  },
  {
    name: 'a long string',
    schema: { type: 'string', minLength: 300, maxLength: 5_000 },
    valid: ['x'.repeat(300), 'x'.repeat(2_345), 'x'.repeat(5_000)],
    invalid: ['x'.repeat(299), 'x'.repeat(5_001)],
  },
  {
    name: 'an anchored pattern',
    schema: { type: 'string', pattern: '^[A-Z]{2}-\\d{3,5}(?:/(?:alpha|beta))?$' },
    valid: ['AB-123', 'ZZ-12345/beta'],
    invalid: ['AB-12', 'xAB-123', 'AB-123/gamma'],
  },
  {
    name: 'a pattern that is searched',
    schema: { type: 'string', pattern: 'qu+x', maxLength: 8 },
    valid: ['qux', 'a quux b'],
    invalid: ['qx', 'aaaaaaqux'],
  },
  {
    name: 'alternatives, each anchored for itself',
    schema: { type: 'string', pattern: '^$|^ab|cd$', maxLength: 6 },
    valid: ['', 'abz', 'zcd'],
    invalid: ['z', 'zabz'],
  },
  {
    name: 'looking ahead',
    schema: { type: 'string', pattern: '^(?!.*\\.\\.)(?=.*\\d)[a-z.\\d]{3,10}$' },
    valid: ['a.1', 'abc.d1.f'],
    invalid: ['a..1', 'abc'],
  },
  {
    name: 'classes',
    schema: { type: 'string', pattern: '^[^a-z\\s]\\w\\W\\S\\D[\\]\\-x"\\\\]$' },
    valid: ['A_-!x"', '"9 zz\\'],
    invalid: ['a_-!x"'],
  },
  {
    name: 'pattern and length',
    schema: { type: 'string', pattern: '^(?:ab)+$', minLength: 3, maxLength: 7 },
    valid: ['abab', 'ababab'],
    invalid: ['ab', 'abababab'],
  },
  {
    name: 'a date',
    schema: { type: 'string', format: 'date' },
    valid: ['2024-02-29', '2000-02-29', '1999-12-31'],
    invalid: ['2023-02-29', '1900-02-29', '2024-13-01', '2024-04-31'],
  },
  {
    name: 'a time',
    schema: { type: 'string', format: 'time' },
    valid: ['23:59:59Z', '00:00:00.5+02:00'],
    invalid: ['24:00:00Z', '12:00:00', '12:60:00Z'],
  },
  {
    name: 'a date and time',
    schema: { type: 'string', format: 'date-time' },
    valid: ['2024-02-29T12:30:00Z', '2024-01-01T00:00:00.123-05:30'],
    invalid: ['2024-01-01', '2024-01-01T00:00:00'],
  },
  {
    name: 'a UUID',
    schema: { type: 'string', format: 'uuid' },
    valid: ['123e4567-e89b-12d3-a456-426614174000'],
    invalid: ['123e4567'],
  },
  {
    name: 'an e-mail address',
    schema: { type: 'string', format: 'email' },
    valid: ['jane.doe+x@mail.example.com', 'a@b.de'],
    invalid: ['a@b', '.a@b.de', 'a..b@c.de', 'a b@c.de'],
  },
  {
    name: 'addresses',
    schema: {
      anyOf: [
        { type: 'string', format: 'ipv4' },
        { type: 'string', format: 'uri' },
        { type: 'string', format: 'ipv6' },
      ],
    },
    valid: ['192.168.0.1', 'https://example.com/a/b?q=1', '1:2:3:4:5:6:7:8'],
    invalid: ['256.1.1.1', 'ftp://x'],
  },
  {
    name: 'a host',
    schema: { type: 'string', format: 'hostname' },
    valid: ['localhost', 'a-b.example.com'],
    invalid: ['-a', 'a_b'],
  },
];

const NUMBERS: Example[] = [
  {
    name: 'a number',
    schema: { type: 'number' },
    valid: [0, -1, 3.25, 1e21, 2.5e-7, 123456789012345],
    invalid: ['1', null],
  },
  { name: 'an integer', schema: whole, valid: [0, -1, 7, 999999999999999], invalid: [1.5, 'x'] },
  {
    name: 'an integer from 1 to 10',
    schema: { type: 'integer', minimum: 1, maximum: 10 },
    valid: [1, 2, 9, 10],
    invalid: [0, 11, -1, 100],
  },
  {
    name: 'an integer across zero',
    schema: { type: 'integer', minimum: -105, maximum: 1_234 },
    valid: [-105, -99, -1, 0, 1, 999, 1_000, 1_234],
    invalid: [-106, 1_235, 2_000, -200],
  },
  {
    name: 'negative integers, ends left out',
    schema: { type: 'integer', exclusiveMinimum: -50, exclusiveMaximum: -7 },
    valid: [-49, -8, -10],
    invalid: [-50, -7, 0, 8],
  },
  {
    name: 'an integer from a fraction on',
    schema: { type: 'integer', minimum: 2.5 },
    valid: [3, 10, 999],
    invalid: [2, -3],
  },
  {
    name: 'a share',
    schema: { type: 'number', minimum: 0, maximum: 1 },
    valid: [0, 1, 0.5, 0.0001],
    invalid: [1.01, -0.1, 2],
  },
  {
    name: 'a share, ends left out',
    schema: { type: 'number', exclusiveMinimum: 0, exclusiveMaximum: 1 },
    valid: [0.5, 0.001, 0.999],
    invalid: [0, 1],
  },
  {
    name: 'decimals between decimals',
    schema: { type: 'number', minimum: -2.75, exclusiveMaximum: 13.205 },
    valid: [-2.75, -2.1, -0.5, 0, 13.2, 13.2049, 7],
    invalid: [-2.76, -3, 13.205, 13.3, 14],
  },
  { name: 'a price', schema: { type: 'number', exclusiveMinimum: 0 }, valid: [0.01, 19.99, 1_000], invalid: [0, -1] },
  { name: 'at most', schema: { type: 'number', maximum: -1.5 }, valid: [-1.5, -1.51, -100], invalid: [-1.4, 0, 1] },
  { name: 'whole by multipleOf', schema: { type: 'number', multipleOf: 1, minimum: 0 }, valid: [0, 4], invalid: [0.5] },
];

const COMBINED: Example[] = [
  { name: 'anything', schema: {}, valid: [null, 1, 'x', [], { a: [{ b: [1] }] }] },
  {
    name: 'types and null',
    schema: { type: ['string', 'integer', 'null'], maxLength: 3 },
    valid: ['abc', 5, null],
    invalid: ['abcd', 1.5, true],
  },
  { name: 'nullable', schema: { type: 'string', nullable: true, maxLength: 2 }, valid: ['ab', null], invalid: [1] },
  {
    name: 'listed values of all kinds',
    schema: { enum: ['a', 'ab', 'abc', '', 1, 12, -3.5, true, null, { x: [1, 'y'] }, ['a']] },
    valid: ['a', 'ab', '', 12, null, { x: [1, 'y'] }, ['a']],
    invalid: ['b', 123, { x: [1] }],
  },
  { name: 'listed values of a type', schema: { type: 'string', enum: ['a', 1, 'b'] }, valid: ['a', 'b'], invalid: [1] },
  { name: 'a constant', schema: { const: { a: 'ä"\\', b: [null] } }, valid: [{ a: 'ä"\\', b: [null] }], invalid: [{}] },
  {
    name: 'one of several',
    schema: { anyOf: [text, { type: 'array', items: whole }, { type: 'null' }] },
    valid: ['x', [1], null],
    invalid: [1],
  },
  {
    name: 'told apart by a property',
    schema: {
      oneOf: [
        {
          type: 'object',
          properties: { kind: { const: 'circle' }, radius: { type: 'number', minimum: 0 } },
          required: ['kind', 'radius'],
        },
        { type: 'object', properties: { kind: { enum: ['box', 'square'] }, side: whole }, required: ['kind'] },
        { type: 'null' },
      ],
    },
    valid: [{ kind: 'circle', radius: 2.5 }, { kind: 'square', side: 3 }, { kind: 'box' }, null],
    invalid: [{ kind: 'circle' }, { kind: 'oval' }],
  },
  {
    name: 'told apart by what only one has',
    schema: {
      oneOf: [
        { type: 'object', properties: { a: whole }, required: ['a'] },
        { type: 'object', properties: { b: whole }, required: ['b'] },
      ],
    },
    valid: [{ a: 1 }, { b: 1 }],
    invalid: [{ a: 1, b: 1 }, {}],
  },
  {
    name: 'all of several objects',
    schema: {
      allOf: [
        { $ref: '#/$defs/named' },
        {
          type: 'object',
          properties: { age: { type: 'integer', maximum: 150 }, name: { maxLength: 5, type: 'string' } },
          required: ['age'],
        },
        { properties: { age: { type: 'integer', minimum: 0 } } },
      ],
      $defs: {
        named: {
          type: 'object',
          properties: { name: { type: 'string', minLength: 1 }, nick: text },
          required: ['name'],
        },
      },
    },
    valid: [
      { name: 'abcde', age: 150 },
      { name: 'a', nick: '', age: 0 },
    ],
    invalid: [{ name: '', age: 1 }, { name: 'abcdef', age: 1 }, { name: 'a', age: 151 }, { name: 'a' }],
  },
  {
    name: 'alternatives of what is required',
    schema: {
      type: 'object',
      properties: { mail: text, phone: text, note: text },
      anyOf: [{ required: ['mail'] }, { required: ['phone'] }],
    },
    valid: [{ mail: 'a' }, { phone: 'b', note: 'c' }, { mail: 'a', phone: 'b' }],
    invalid: [{}, { note: 'c' }],
  },
  {
    name: 'a tree',
    schema: {
      $ref: '#/$defs/node',
      $defs: {
        node: {
          type: 'object',
          properties: { value: whole, children: { type: 'array', items: { $ref: '#/$defs/node' }, maxItems: 2 } },
          required: ['value'],
        },
      },
    },
    valid: [{ value: 1 }, { value: 1, children: [{ value: 2, children: [] }, { value: 3 }] }],
    invalid: [{ value: 1, children: [1] }],
  },
  {
    name: 'itself, from the root',
    schema: {
      type: 'object',
      properties: { next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } },
      required: ['next'],
      additionalProperties: false,
    },
    valid: [{ next: null }, { next: { next: { next: null } } }],
    invalid: [{}],
  },
  {
    name: 'two that refer to each other',
    schema: {
      $ref: '#/$defs/a',
      $defs: {
        a: { type: 'array', items: { $ref: '#/$defs/b' }, maxItems: 2 },
        b: {
          type: 'object',
          properties: { a: { $ref: '#/$defs/a' }, leaf: { type: 'boolean' } },
          additionalProperties: false,
        },
      },
    },
    valid: [[], [{}], [{ a: [{ leaf: true }] }, { leaf: false }]],
    invalid: [[1], [{ leaf: 1 }]],
  },
  {
    name: 'a report, nested',
    schema: {
      type: 'object',
      properties: {
        title: { type: 'string', minLength: 1, maxLength: 80 },
        severity: { enum: ['low', 'medium', 'high'] },
        steps: {
          type: 'array',
          minItems: 1,
          maxItems: 5,
          items: {
            type: 'object',
            properties: {
              what: { type: 'string', maxLength: 60 },
              minutes: { type: 'integer', minimum: 0, maximum: 600 },
            },
            required: ['what'],
          },
        },
        assignee: { type: ['string', 'null'], maxLength: 30 },
        due: { type: 'string', format: 'date' },
      },
      required: ['title', 'severity', 'steps', 'assignee'],
      additionalProperties: false,
    },
    valid: [
      {
        title: 'T',
        severity: 'low',
        steps: [{ what: 'x' }, { what: 'y', minutes: 600 }],
        assignee: null,
        due: '2024-01-31',
      },
    ],
    invalid: [{ title: 'T', severity: 'low', steps: [], assignee: null }],
  },
];

export const EXAMPLES: readonly Example[] = [...OBJECTS, ...ARRAYS, ...STRINGS, ...NUMBERS, ...COMBINED];
