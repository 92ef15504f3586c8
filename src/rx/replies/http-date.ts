/** Dates as fields carry them, RFC 9110 §5.6.7. */

/** @param milliseconds - Since 1970; a fraction of a second is cut off. */
export const formatHttpDate = (milliseconds: number): string => new Date(milliseconds).toUTCString();

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const TIME = String.raw`\d{2}:\d{2}:\d{2}`;
/** The one that is sent today, and the one of RFC 850. `Date.parse` alone would take far more. */
const WITH_ZONE = new RegExp(
  `^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \\d{2} ${MONTH} \\d{4}|(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, \\d{2}-${MONTH}-\\d{2}) ${TIME} GMT$`,
);
/** What C's `asctime` makes; its zone goes without saying. */
const WITHOUT_ZONE = new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} [ \\d]\\d ${TIME} \\d{4}$`);

/** @returns Milliseconds since 1970; NaN for what is no date, which whoever asks has to ignore, RFC 9110 §13.1.3. */
export const parseHttpDate = (text: string): number => {
  if (WITH_ZONE.test(text)) return Date.parse(text);
  return WITHOUT_ZONE.test(text) ? Date.parse(`${text} GMT`) : NaN;
};
