/** What customers of a bank write, and reports that have to be summed up: made from parts, so that no two begin alike. */

const NAMES = [
  'Anna',
  'Boris',
  'Chloe',
  'Daniel',
  'Elena',
  'Farid',
  'Grace',
  'Hugo',
  'Irene',
  'Jonas',
  'Katya',
  'Liam',
  'Maria',
  'Nikos',
  'Olga',
  'Pedro',
];
const CITIES = ['Lisbon', 'Graz', 'Porto', 'Krakow', 'Ghent', 'Turin', 'Malmo', 'Brno'];

/** Five messages of about as many tokens, as they follow each other in one case. */
const CASES: readonly (readonly ((name: string, city: string, amount: number) => string)[])[] = [
  [
    (name, city) =>
      `Hello, this is ${name}. My wallet was stolen in ${city} this morning and my card was in it. What should I do now?`,
    (_, __, amount) =>
      `I see a payment of ${amount} euros that I did not make. Can you tell me whether I will get that money back?`,
    (_, city) =>
      `I am still in ${city} until Sunday and have no cash at all. Is there any way to get some money before then?`,
    () => 'Where will the new card be sent, and can I have it sent to another address than the one that you know?',
    () => 'Do I have to go to the police as well, and what do you need from them before you pay the money back to me?',
  ],
  [
    (name, _, amount) =>
      `Good morning, ${name} here. I sent ${amount} euros to my landlord on Monday and he says that nothing has arrived yet.`,
    () =>
      'The number of the account was right, I have looked at it twice. Could the bank on the other side be holding it back?',
    () =>
      'He wants the rent by tomorrow. Can I call the transfer back and send it once more in a faster way from here?',
    (_, city) =>
      `What does a transfer within seconds cost, and does it reach a small savings bank near ${city} at the weekend?`,
    () =>
      'Please tell me what I can show to my landlord, so that he believes me that the money was really sent on Monday.',
  ],
  [
    (name, city) =>
      `Hi, I am ${name} and I shall move from ${city} next month. How do I tell you my new address and my new phone number?`,
    () =>
      'My old phone number stops working next week. Will I still be able to confirm payments in the app until then?',
    () => 'Do I need to send you a paper from the town hall, or is it enough if I type in the new address in the app?',
    (_, __, amount) =>
      `There is also a standing order of ${amount} euros for my old flat. When is the last day on which I can stop it?`,
    () =>
      'Will my savings plan and my card go on as before, or does anything change for them when I live in another country?',
  ],
  [
    (name, _, amount) =>
      `Hello, my name is ${name}. A shop has taken ${amount} euros from my account twice for the same pair of shoes.`,
    () => 'The shop does not answer my letters. How long do I have to wait before you can take the money back for me?',
    (_, city) =>
      `The shop is in ${city} and I have the receipt. To which address may I send a photo of it, and will you confirm it?`,
    () =>
      'If it turns out that one of the payments was right after all, will there be a fee for the one that you looked at?',
    () =>
      'Could you please block this shop, so that it cannot take anything from my account again while this is not settled?',
  ],
];

/** The messages of one person, at most five. */
export function caseOf(index: number, turns: number): string[] {
  const name = NAMES[index % NAMES.length]!;
  const city = CITIES[(index * 3 + (index >> 3)) % CITIES.length]!;
  return CASES[index % CASES.length]!.slice(0, turns).map((message) => message(name, city, 120 + 37 * index));
}

const TOPICS = [
  'a card that was swallowed by a machine',
  'a transfer to the wrong account',
  'a loan for a used car',
  'the fee for payments abroad',
  'a joint account',
];
const EVENTS = [
  'The customer had called twice before and had been told to wait.',
  'The colleague asked for the date and the amount, and both were given.',
  'A form was sent by post and came back unsigned after nine days.',
  'The system showed a note of the branch that nobody could explain.',
  'The customer was friendly at first and became impatient later.',
  'A second colleague joined the call and found the payment at once.',
  'It was agreed that the fee would be paid back within the week.',
  'The customer wants to be called in the evening and not by mail.',
  'The supervisor has to decide whether this is a case for the insurance.',
  'Nothing else was left open, and the customer said thank you.',
];

/** A report of about 330 tokens. */
export function reportOf(index: number, random: () => number): string {
  const name = NAMES[Math.floor(random() * NAMES.length)]!;
  const topic = TOPICS[Math.floor(random() * TOPICS.length)]!;
  const lines = [
    `Report ${index + 1}: ${name} from ${CITIES[Math.floor(random() * CITIES.length)]!} called about ${topic}.`,
  ];
  for (let line = 0; line < REPORT_LINES; line++) {
    const minute = String(3 * line + Math.floor(random() * 3)).padStart(2, '0');
    lines.push(`10:${minute} ${EVENTS[Math.floor(random() * EVENTS.length)]!}`);
  }
  return lines.join('\n');
}

const REPORT_LINES = 15;
