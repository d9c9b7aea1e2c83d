/** Texts that are made up from a seed, whose facts are therefore known: for agents that no labelled data is at hand for. */
import type { Random } from '../../../lib/base/random.js';
import { shuffled } from './random.js';

export const NAMES = [
  'Clara Meier',
  'Tom Okafor',
  'Ines Duarte',
  'Yuki Tanaka',
  'Paul Novak',
  'Lena Fischer',
  'Omar Haddad',
];
export const TOWNS = ['Lisbon', 'Graz', 'Tolmin', 'Uppsala', 'Ghent', 'Bergamo', 'Cork', 'Nantes'];
const THINGS = ['lamp', 'oak table', 'garden chair', 'rug', 'bookshelf', 'kettle', 'desk', 'mirror'];
const MONTHS = ['January', 'March', 'April', 'June', 'July', 'September', 'October', 'December'];

/** What must stand in a translation of `text`, each as often as it is listed. */
export interface TextToTranslate {
  text: string;
  mustStand: readonly string[];
}

const SENTENCES: readonly ((random: Random) => { text: string; mustStand: string[] })[] = [
  (random) => {
    const price = `${random.below(900) + 100}.${10 + random.below(90)}`;
    return { text: `Dear {name}, your order of ${price} dollars has been sent.`, mustStand: ['{name}', price] };
  },
  (random) => {
    const count = String(random.below(80) + 13);
    return { text: `There are <b>${count} places</b> left for %s.`, mustStand: ['<b>', '</b>', count, '%s'] };
  },
  (random) => {
    const id = String(random.below(90_000) + 10_000);
    const url = `https://shop.example/orders/${id}`;
    return { text: `Please look at ${url} for the details of the delivery.`, mustStand: [url] };
  },
  (random) => {
    const day = String(random.below(18) + 10);
    return {
      text: `The meeting on the ${day}th was moved by {{host}} to the large hall :wave: as planned.`,
      mustStand: ['{{host}}', day, ':wave:'],
    };
  },
  (random) => {
    const share = `${random.below(80) + 15}`;
    return {
      text: `About ${share}% of our customers write to help@shop.example first.`,
      mustStand: [share, 'help@shop.example'],
    };
  },
  (random) => {
    const hours = String(random.below(30) + 14);
    return {
      text: `%1$s will answer within ${hours} hours, or \${fallback} will take over.`,
      mustStand: ['%1$s', hours, '${fallback}'],
    };
  },
];

export function textToTranslate(random: Random): TextToTranslate {
  const parts = Array.from({ length: 1 + random.below(3) }, () => random.pick(SENTENCES)(random));
  return { text: parts.map(({ text }) => text).join(' '), mustStand: parts.flatMap(({ mustStand }) => mustStand) };
}

export interface TextWithFacts {
  text: string;
  /** A number or name of each planted sentence that stands nowhere else in the text. */
  facts: readonly string[];
}

const FILLERS = [
  'The work of the office went on as usual in these weeks.',
  'Several people asked whether the old rooms could be used again, and nobody was against it.',
  'As in other years, the weather was a common topic in the breaks.',
  'The members thanked the organisers, who had put much effort into the evening.',
  'It was agreed that the matter should be looked at again when more is known.',
  'Some would have liked a longer discussion, but there was no time left for it.',
  'The minutes of the last meeting were accepted without changes.',
  'Everybody who wanted to speak was given the opportunity to do so.',
  'New chairs for the hall would be welcome, though they are not urgent.',
  'The coffee was praised, as was the cake that came with it.',
  'Regular visitors know the building well and find their way around without help.',
  'After a short break the group returned to the remaining points of the agenda.',
] as const;

const FACTS: readonly ((random: Random, number: number) => string)[] = [
  (random, number) => `The bridge in ${random.pick(TOWNS)} was closed after ${number} complaints.`,
  (random, number) => `${random.pick(NAMES)} was elected chair with ${number} votes.`,
  (random, number) => `The repair of the roof will cost ${number} euros.`,
  (random, number) => `The school in ${random.pick(TOWNS)} now has ${number} pupils.`,
  (random, number) => `The association has to return ${number} euros to the town by ${random.pick(MONTHS)}.`,
];

/** A report of some length in which a few sentences say something. */
export function textWithFacts(random: Random, sentences: number): TextWithFacts {
  const lines = Array.from({ length: sentences }, () => random.pick(FILLERS) as string);
  const facts: string[] = [];
  for (const fact of FACTS) {
    const number = 130 + random.below(8_000);
    if (facts.includes(String(number))) continue;
    facts.push(String(number));
    lines.splice(random.below(lines.length + 1), 0, fact(random, number));
  }
  const paragraphs: string[] = [];
  for (let at = 0; at < lines.length; at += 8) paragraphs.push(lines.slice(at, at + 8).join(' '));
  return { text: paragraphs.join('\n\n'), facts };
}

/** What a message of a shop's customer or of its office says; undefined: nothing. */
export interface OrderData {
  number: string;
  customer: string;
  total: number | undefined;
  email: string | undefined;
  city: string | undefined;
}

export interface OrderText {
  text: string;
  data: OrderData;
}

const ORDER_WORDINGS: readonly ((data: OrderData, thing: string) => string)[] = [
  ({ number, customer, city }, thing) =>
    `Order number: ${number}\nCustomer: ${customer}\nItem: ${thing}${city === undefined ? '' : `\nCity: ${city}`}`,
  ({ number, customer, city }, thing) =>
    `Hello, this is ${customer}${city === undefined ? '' : ` from ${city}`}. I am writing about ${number}, the ${thing} I bought last week.`,
  ({ number, customer, city }, thing) =>
    `Invoice ${number}. We delivered one ${thing} to ${customer}${city === undefined ? '' : `, ${city}`}.`,
  ({ number, customer, city }, thing) =>
    `${customer} has confirmed the appointment ${number}: the ${thing} will be collected${city === undefined ? '' : ` in ${city}`} on Tuesday.`,
  ({ number, customer, city }, thing) =>
    `Please note that ${number} is delayed. The ${thing} for ${customer}${city === undefined ? '' : ` (${city})`} will be sent later.`,
];

export function orderText(random: Random): OrderText {
  const customer = random.pick(NAMES);
  const total = random.below(3) === 0 ? undefined : random.below(900) + 20 + random.below(4) * 0.25;
  const email = random.below(2) === 0 ? undefined : `${customer.split(' ')[0]!.toLowerCase()}@mail.example`;
  const data: OrderData = {
    number: `${random.pick(['A', 'R', 'INV'])}-${1_000 + random.below(9_000)}`,
    customer,
    total,
    email,
    city: random.below(3) === 0 ? undefined : random.pick(TOWNS),
  };
  const parts = [random.pick(ORDER_WORDINGS)(data, random.pick(THINGS))];
  if (total !== undefined) {
    parts.push(
      random.pick([
        `Total: ${total.toFixed(2)} EUR.`,
        `It costs ${total.toFixed(2)} euros.`,
        `The amount due is €${total.toFixed(2)}.`,
      ]),
    );
  }
  if (email !== undefined)
    parts.push(random.pick([`E-mail: ${email}`, `You can write to ${email}.`, `Contact: ${email}`]));
  return { text: parts.join(data.number.startsWith('A') ? '\n' : ' '), data };
}

/** Something that a person tells of themselves, and asks about later. */
export interface ToldFact {
  told: string;
  asked: string;
  /** Must stand in an answer that is right. */
  key: string;
}

export function toldFact(random: Random): ToldFact {
  const name = random.pick(['Clara', 'Biscuit', 'Amal', 'Juno', 'Pavel', 'Mirko', 'Sanna']);
  const town = random.pick(TOWNS);
  const number = String(1_000 + random.below(9_000));
  const food = random.pick(['walnuts', 'strawberries', 'shellfish', 'peanuts', 'sesame']);
  return random.pick([
    { told: `By the way, my dog is called ${name}.`, asked: 'What is the name of my dog?', key: name },
    { told: `My sister lives in ${town}.`, asked: 'In which town does my sister live?', key: town },
    { told: `My booking number is ${number}.`, asked: 'What is my booking number?', key: number },
    { told: `I am allergic to ${food}.`, asked: 'Which food am I allergic to?', key: food },
    { told: `My colleague ${name} will come with me.`, asked: 'What is the name of my colleague?', key: name },
  ]);
}

const TALK = [
  'Can you tell me how bread is made? I have never tried it, and I would like to know what to buy first.',
  'That is good to know. How do I keep plants alive in winter when the room is dark and dry?',
  'I see. What should one look at when buying a used bicycle? A friend of mine wants to sell his old one.',
  'Thanks. Why is the sky blue in the day and red in the evening? I noticed it again yesterday at 8 o’clock.',
  'Interesting. How long does it take to learn to swim for an adult? We have a pool near the office.',
  'Right. Which books would you take on a long train ride through the Alps? I like history and cooking.',
  'And how do I clean a wooden table that has dark spots from hot cups? It belonged to my grandfather.',
  'Fine. What is the difference between weather and climate? My daughter asked me 3 times this week.',
  'Good. Is it better to run in the morning or in the evening? I usually have little time before work.',
  'One more thing: how are clouds named? I would like to explain it to a group of 20 children.',
] as const;

/** Messages of a person who talks of other things, in an order of their own. */
export function smallTalk(random: Random, turns: number): string[] {
  const order = shuffled(TALK, () => random.next());
  return Array.from({ length: turns }, (_, at) => order[at % order.length]!);
}
