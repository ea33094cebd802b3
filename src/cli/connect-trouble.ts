import { UpstreamError } from '../core/errors.ts';
import { CommandError } from './command-error.ts';
import type { ConnectJob } from './connect-job.ts';

/** What the vendor said, and what to do about it. */
export function explained(error: unknown, { helpdesk, connection, webhookUrl }: ConnectJob): unknown {
  if (!(error instanceof UpstreamError)) return error;
  const { errorClass, message } = error;
  if (errorClass === 'auth')
    return new CommandError(`${message} Mend it in .env (or in DRAFTDESK_SETUP_TOKEN) and run this again.`);
  if (errorClass === 'connection' || errorClass === 'timeout')
    return new CommandError(`${message} Is its address in .env right, and this machine online?`);
  if (errorClass === 'rate_limited') return new CommandError(`${message} Run this again in a minute.`);
  const byHand = connection.setup.manual(webhookUrl).map((line) => `  ${line}\n`);
  return new CommandError(
    `${message}\n` +
      `These credentials may not do it, or your plan of ${helpdesk} has no such API. Either run this again with an\n` +
      `admin's credential in DRAFTDESK_SETUP_TOKEN (it is stored nowhere), or do it by hand:\n\n${byHand.join('')}\n` +
      `Then prove it: draftdesk connect ${helpdesk} --check`,
  );
}
