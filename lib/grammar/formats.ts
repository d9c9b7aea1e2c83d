/**
 * Formats as patterns. Each is the format itself or a part of it that everybody means by it: narrower than the standard's word is
 * allowed, wider is not. `ajv-formats` is the judge in the tests.
 */
const DAY_OF_MONTH =
  '(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8])';
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)';
const DATE = `(?:\\d{4}-(?:${DAY_OF_MONTH})|${LEAP_YEAR}-02-29)`;
/** Without the leap second, which is valid at one minute of the day only. Fractions to the microsecond. */
const TIME = '(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+\\-](?:0\\d|1[0-4]):[0-5]\\d)';
/** One dash at most: some libraries take no two in a row. */
const LABEL = '[a-zA-Z0-9]{1,20}(?:-[a-zA-Z0-9]{1,20})?';
const HOST = `${LABEL}(?:\\.${LABEL}){0,4}`;
const DOMAIN = `(?:${LABEL}\\.){1,3}[a-zA-Z]{2,12}`;
const BYTE = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const PATH = "(?:/[a-zA-Z0-9\\-._~!$&'()*+,;=:@]{0,40}){0,6}";

export const FORMATS: Readonly<Record<string, string>> = {
  date: DATE,
  time: TIME,
  'date-time': `${DATE}T${TIME}`,
  uuid: '[\\da-fA-F]{8}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{4}-[\\da-fA-F]{12}',
  email: `[a-zA-Z0-9_]{1,20}(?:[.+\\-][a-zA-Z0-9_]{1,20}){0,2}@${DOMAIN}`,
  hostname: HOST,
  ipv4: `${BYTE}(?:\\.${BYTE}){3}`,
  /** All eight groups, none left out. */
  ipv6: '[\\da-fA-F]{1,4}(?::[\\da-fA-F]{1,4}){7}',
  /** Of the web. */
  uri: `https?://${DOMAIN}(?::[1-9]\\d{1,3})?${PATH}(?:\\?[a-zA-Z0-9\\-._~=&+]{1,40})?`,
};

/** Of the standard: what nobody holds is refused. Other names are a generator's own, and it says what it means by a pattern. */
export const STANDARD_FORMATS = new Set(
  (
    'date-time date time duration email idn-email hostname idn-hostname ipv4 ipv6 uri uri-reference iri iri-reference uuid ' +
    'uri-template json-pointer relative-json-pointer regex'
  ).split(' '),
);
