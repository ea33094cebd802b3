const DECIMAL = /^\d{1,30}$/;

/**
 * Has somebody who saw `seenMessageId` (and all before it) seen `messageId` too? Decimal ids grow with time at both
 * vendors; ids of another kind are covered only by themselves.
 */
export function covers(seenMessageId: string | null, messageId: string | null): boolean {
  if (seenMessageId === null || messageId === null) return false;
  if (seenMessageId === messageId) return true;
  return DECIMAL.test(seenMessageId) && DECIMAL.test(messageId) && BigInt(messageId) <= BigInt(seenMessageId);
}
