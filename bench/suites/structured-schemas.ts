/** Twenty everyday schemas and prompts that ask for such a value: nested, listed, optional, nullable, long. */

export interface StructuredCase {
  readonly name: string;
  readonly prompt: string;
  readonly schema: Readonly<Record<string, unknown>>;
}

type Schema = Readonly<Record<string, unknown>>;

const text = (maxLength?: number): Schema => ({
  type: 'string',
  minLength: 1,
  ...(maxLength !== undefined && { maxLength }),
});
const whole = (minimum: number, maximum: number): Schema => ({ type: 'integer', minimum, maximum });
const listed = (...values: string[]): Schema => ({ enum: values });
const nullable = (schema: Schema): Schema => ({ anyOf: [schema, { type: 'null' }] });
const list = (items: Schema, minItems: number, maxItems?: number): Schema => ({
  type: 'array',
  items,
  minItems,
  ...(maxItems !== undefined && { maxItems }),
});

/** `?` behind a name leaves the property out of `required`. */
function object(fields: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  const names = Object.keys(fields);
  return {
    type: 'object',
    properties: Object.fromEntries(names.map((name) => [name.replace('?', ''), fields[name]])),
    required: names.filter((name) => !name.endsWith('?')),
    additionalProperties: false,
    ...more,
  };
}

const ADDRESS = object({ street: text(60), city: text(40), 'zip?': { type: 'string', pattern: '^\\d{5}$' } });

export const CASES: readonly StructuredCase[] = [
  {
    name: 'person',
    prompt: 'Invent a person: name, age, occupation, and a nickname if there is one.',
    schema: object({ name: text(60), age: whole(0, 120), 'occupation?': text(60), 'nickname?': text(30) }),
  },
  {
    name: 'address, nested',
    prompt: 'Invent a customer with a home address and maybe another one for delivery.',
    schema: object({ customer: text(60), home: ADDRESS, 'delivery?': ADDRESS }),
  },
  {
    name: 'ticket, listed values',
    prompt:
      'A customer writes: "My card was stolen and I need a new one today." Classify the message for the service team.',
    schema: object({
      intent: listed('lost card', 'refund', 'balance', 'complaint', 'other'),
      urgency: listed('low', 'normal', 'high'),
      sentiment: listed('positive', 'neutral', 'negative'),
      'language?': listed('en', 'de', 'fr'),
    }),
  },
  {
    name: 'book, free strings',
    prompt: 'Describe a well-known book: title, author, year, and what it is about in one sentence.',
    schema: object({ title: text(), author: text(), 'year?': whole(1400, 2030), about: text() }),
  },
  {
    name: 'recipe, arrays',
    prompt: 'Write a short recipe for pancakes: title, ingredients, steps, minutes.',
    schema: object({
      title: text(60),
      ingredients: list(text(60), 2, 8),
      steps: list(text(160), 1, 6),
      'minutes?': whole(1, 240),
    }),
  },
  {
    name: 'order, array of objects',
    prompt: 'A customer orders two pizzas and a salad. Write the order with items, quantity and price.',
    schema: object({
      items: list(
        object({
          name: text(40),
          quantity: whole(1, 20),
          'price?': { type: 'number', exclusiveMinimum: 0, maximum: 1000 },
        }),
        1,
        6,
      ),
      currency: listed('EUR', 'USD', 'GBP'),
      'note?': text(120),
    }),
  },
  {
    name: 'event, dates and null',
    prompt: 'Write down a meeting about the new website: title, day, start, place (or null when it is online).',
    schema: object({
      title: text(80),
      day: { type: 'string', format: 'date' },
      'start?': { type: 'string', pattern: '^([01]\\d|2[0-3]):[0-5]\\d$' },
      place: nullable(text(60)),
    }),
  },
  {
    name: 'summary, long string',
    prompt: 'Summarise the story of the hare and the tortoise in a few sentences, and give it a title.',
    schema: object({
      title: text(80),
      summary: { type: 'string', minLength: 40, maxLength: 800 },
      'moral?': text(200),
    }),
  },
  {
    name: 'essay, free long string',
    prompt: 'Explain to a child why the sky is blue.',
    schema: object({ explanation: text(), 'question?': text(120) }),
  },
  {
    name: 'tags, a set',
    prompt: 'Which topics does this headline touch: "Bank shares fall after weak earnings in Europe"?',
    schema: object({
      topics: {
        type: 'array',
        items: listed('markets', 'banks', 'politics', 'sports', 'europe', 'asia'),
        uniqueItems: true,
        minItems: 1,
      },
      'alarm?': { type: 'boolean' },
    }),
  },
  {
    name: 'scores, numbers',
    prompt:
      'Rate the sentence "The food was good but the service was slow." for food and service between 0 and 1, and overall from -1 to 1.',
    schema: object({
      food: { type: 'number', minimum: 0, maximum: 1 },
      service: { type: 'number', minimum: 0, maximum: 1 },
      'overall?': { type: 'number', minimum: -1, maximum: 1 },
    }),
  },
  {
    name: 'contact, formats',
    prompt: 'Invent the contact details of a plumber: name, e-mail address, telephone number, web site.',
    schema: object({
      name: text(60),
      email: { type: 'string', format: 'email' },
      'phone?': { type: 'string', pattern: '^\\+?[0-9 ]{6,16}$' },
      'site?': { type: 'string', format: 'uri' },
    }),
  },
  {
    name: 'answer, nullable',
    prompt:
      'Context: "The shop opens at nine." Question: When does the shop close? Answer from the context, or null when it does not say.',
    schema: object({
      answer: nullable(text(200)),
      'quote?': nullable(text(200)),
      confidence: listed('sure', 'unsure'),
    }),
  },
  {
    name: 'plan, choice of shapes',
    prompt:
      'Which tool helps to answer "What is the weather in Paris?": search with a query, a calculator with an expression, or none?',
    schema: {
      oneOf: [
        object({ tool: { const: 'search' }, query: text(100), 'limit?': whole(1, 10) }),
        object({ tool: { const: 'calculator' }, expression: text(60) }),
        object({ tool: { const: 'none' }, 'reason?': text(160) }),
      ],
    },
  },
  {
    name: 'quiz, nested arrays',
    prompt: 'Write a quiz of two questions about animals, each with three answers and the number of the right one.',
    schema: object({
      questions: list(
        object({ question: text(140), answers: list(text(60), 3, 3), right: whole(0, 2), 'hint?': text(80) }),
        1,
        2,
      ),
    }),
  },
  {
    name: 'inventory, free keys',
    prompt: 'List how many pens, books and lamps a small shop has.',
    schema: object({
      'shop?': text(40),
      stock: { type: 'object', additionalProperties: whole(0, 10_000), minProperties: 1, maxProperties: 6 },
    }),
  },
  {
    name: 'family tree, recursive',
    prompt: 'Describe a small family: a grandmother, her daughter and her grandson, each with a name and children.',
    schema: {
      $ref: '#/$defs/member',
      $defs: {
        member: object({
          name: text(40),
          'born?': whole(1900, 2030),
          'children?': list({ $ref: '#/$defs/member' }, 0, 2),
        }),
      },
    },
  },
  {
    name: 'extraction, mostly optional',
    prompt: 'Extract what is said: "Invoice 4711 of ACME GmbH from 3 May 2024 over 1,190 euros, due in 14 days."',
    schema: object({
      'number?': text(20),
      'company?': text(60),
      'date?': { type: 'string', format: 'date' },
      'amount?': { type: 'number', minimum: 0 },
      'dueDays?': whole(0, 365),
      'currency?': { type: 'string', pattern: '^[A-Z]{3}$' },
    }),
  },
  {
    name: 'translation pair, tuple',
    prompt: 'Give three English words with their German translation, and say how sure you are.',
    schema: object({
      pairs: list({ type: 'array', prefixItems: [text(30), text(30)], items: false, minItems: 2 }, 1, 3),
      'sure?': { type: 'boolean' },
    }),
  },
  {
    name: 'report, deep',
    prompt: 'Write an incident report: the web server was down for ten minutes because its disk was full.',
    schema: object({
      title: text(80),
      severity: listed('low', 'medium', 'high'),
      cause: object({ what: text(120), 'component?': object({ name: text(40), 'version?': text(12) }) }),
      'actions?': list(object({ what: text(100), 'owner?': nullable(text(30)), done: { type: 'boolean' } }), 1, 3),
    }),
  },
];
