import type { ErrorClass } from './errors.ts';

/** What an operator does about tickets that died of this: one sentence or two, beginning with what to look at. */
export const ADVICE: Readonly<Record<ErrorClass, string>> = {
  rate_limited: 'The limit of the other side was reached for a long time. Lower the limit in the settings, then retry.',
  auth: 'A credential is refused. Renew it in the settings and restart; then resume and retry.',
  forbidden:
    'The credential may not do this. Give its user or token access to these tickets or this model, then retry.',
  invalid_request:
    'The other side refuses the request as it is. Read the error of one ticket; retry after a change of settings or version only.',
  conflict: 'The ticket changed under each try. Retry once nobody works on it.',
  timeout: 'No answer came in time. See whether the other side is slow today, or raise its timeout; then retry.',
  connection: 'The other side could not be reached. Check network, name and proxy, then retry.',
  server_error: 'The other side had faults of its own. Look at its status page and retry when they are over.',
  overloaded: 'The other side had too much to do. Retry later, or set LLM_FALLBACK_MODEL.',
  redirect: 'The address answers with another one, which is not followed. Put the final address into the settings.',
  response_truncated: 'Answers broke off in the middle. Look for a proxy with a short time limit, then retry.',
  response_too_large:
    'The answer is larger than any genuine one. Look at the ticket in the helpdesk; a retry alone will not help.',
  invalid_response:
    'The answer is not what the API promises. Look for a proxy or another server at that address, then retry.',
  cancelled: 'The work was stopped from our side. Retry if the draft is still wanted.',
  slow_down: 'The provider wants a slower start. Lower LLM_REQUESTS_PER_MINUTE, then retry.',
  flex_unavailable: 'The cheap lane had no room. Retry, or start the batch in the standard lane.',
  quota_exhausted: 'The account at the LLM has no credit left. Pay there, then resume and retry.',
  request_too_large:
    'One call would cost or hold more than is allowed. Raise the budget or the token limit, then retry.',
  context_length: 'The conversation is too long for this model even when cut. Use a model with more room, then retry.',
  content_filter: "The provider's filter refuses the text. An agent has to answer these; another model may take them.",
  model_not_found: 'LLM_MODEL does not exist there, or not for this key. Correct it, restart, then resume and retry.',
  output_truncated: 'The draft broke off at the length limit each time. Retry; if it happens again use another model.',
  invalid_output:
    'The model did not keep to the form of the answer. Use a model that knows structured output, then retry.',
  refusal: 'The model will not answer these. An agent has to.',
  gone: 'The ticket is not there any more. Nothing is left to do.',
  ambiguous_post:
    'Nobody can tell whether the note was written. Look at the ticket in the helpdesk; a retry looks for the note first.',
  posted_public:
    'A note may be visible to the customer! Look at the ticket at once and find out which rule made it public before you resume.',
  posting_stopped: 'Notes are stopped since one came back public. Mend that, then resume and retry.',
  batch_budget: "The batch's budget is used up. Start another batch with more for what is left.",
  budget_exhausted: 'LLM_DAILY_BUDGET_USD is used up. It goes on at 00:00 UTC; or raise it, then retry.',
  crash_loop:
    'The process died of this ticket several times. Report it with the ticket id and the log; retry after an update.',
  internal: 'A fault inside Draftdesk. The log has it under the ticket id; retry after an update, and report it.',
};
