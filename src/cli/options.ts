import { InvalidArgumentError } from 'commander';

/** Of an option: a whole number from 1. */
export function wholeNumber(value: string): number {
  if (!/^[1-9]\d{0,6}$/.test(value)) throw new InvalidArgumentError('must be a whole number from 1');
  return Number(value);
}
