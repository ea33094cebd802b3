import { InvalidArgumentError } from 'commander';

/** Of an option: a whole number from 1. */
export function wholeNumber(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError('must be a whole number from 1');
  return Number(value);
}

/** Of an option: an amount in USD above 0. */
export function usd(value: string): number {
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(value) || Number(value) === 0)
    throw new InvalidArgumentError('must be an amount such as 2.50');
  return Number(value);
}

/** Of an option: a number from 0 to 1. */
export function share(value: string): number {
  const number = Number(value);
  if (value.trim() === '' || !(number >= 0 && number <= 1)) throw new InvalidArgumentError('must be from 0 to 1');
  return number;
}
