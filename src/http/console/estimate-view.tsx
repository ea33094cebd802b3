import type { FC } from 'hono/jsx';
import type { FieldProblem } from './batch-form.ts';
import { Facts } from './components.tsx';
import type { ShownEstimate } from './new-batch.tsx';
import { count, dollars, duration } from './words.ts';

/** What a batch would take, with the button that starts it; or why that cannot be told. */
export const EstimateView: FC<{ problems: readonly FieldProblem[]; shown: ShownEstimate | null }> = ({
  problems,
  shown,
}) => {
  if (problems.length > 0) return <Problems problems={problems} />;
  if (shown === null) return <NoEstimate />;
  const { estimate, fingerprint, changed } = shown;
  const { tickets, promptTokens, completionTokens, costUsd, minutes, bound, complete } = estimate;
  const many = `${count(tickets, 'ticket')}${complete ? '' : ' or more'}`;
  return (
    <>
      {changed && <p class="flash bad">The form has changed since the last estimate. This is the new one.</p>}
      <Facts
        of={[
          ['Tickets', `${tickets.toLocaleString('en')}${complete ? '' : ' or more'}`],
          ['Cost', costUsd === null ? 'price of the model not known' : `about ${dollars(costUsd)}`],
          ['Time', tickets === 0 ? 'none' : `about ${duration(minutes * 60_000)}`],
          ['Decided by', bound === null ? 'nothing to do' : <code>{bound}</code>],
          ['Tokens', `${promptTokens.toLocaleString('en')} in, ${completionTokens.toLocaleString('en')} out`],
        ]}
      />
      {tickets === 0 && <p>No ticket is left to draft: they have work or a current draft, or none fits.</p>}
      <input type="hidden" name="estimated" value={fingerprint} />
      <p class="actions">
        <button type="submit" disabled={tickets === 0}>
          Start with {many}
        </button>
      </p>
    </>
  );
};

/** The button, until an estimate was seen. */
const NoStart: FC = () => (
  <p class="actions">
    <button type="submit" disabled>
      Start
    </button>
  </p>
);

const NoEstimate: FC = () => (
  <>
    <p class="hint">The button works when you have seen what the batch would take.</p>
    <NoStart />
  </>
);

const Problems: FC<{ problems: readonly FieldProblem[] }> = ({ problems }) => (
  <>
    <div class="flash bad" role="alert">
      <p>This cannot be estimated yet:</p>
      <ul>
        {problems.map(({ field, message }) => (
          <li>
            {field === null ? (
              message
            ) : (
              <>
                <a href={`#${field}`}>{LABELS[field]}</a> {message}
              </>
            )}
          </li>
        ))}
      </ul>
    </div>
    <NoStart />
  </>
);

const LABELS: Readonly<Record<NonNullable<FieldProblem['field']>, string>> = {
  helpdesk: 'Helpdesk',
  from: 'Which tickets',
  ids: 'Ticket ids',
  status: 'Filter',
  tags: 'Tags',
  group: 'Group',
  createdSince: 'Created since',
  createdUntil: 'Created before',
  updatedSince: 'Changed since',
  updatedUntil: 'Changed before',
  name: 'Name',
  post: 'Notes',
  lane: 'Lane',
  skipDrafted: 'Current drafts',
  canary: 'Canary',
  canarySize: 'Tickets of the canary',
  canaryPercent: 'Failures of the canary',
  budgetUsd: 'Cap',
};
