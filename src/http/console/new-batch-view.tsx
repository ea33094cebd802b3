import type { Child, FC } from 'hono/jsx';
import { BATCH_LANES } from '../../core/batch.ts';
import type { BatchValues, Field, FieldProblem } from './batch-form.ts';
import { LANE_WORDS } from './batch-words.ts';
import { Empty } from './components.tsx';
import { EstimateView } from './estimate-view.tsx';
import type { ShownEstimate } from './new-batch.tsx';
import type { Visit } from './page.tsx';

interface NewBatchProps {
  readonly visit: Visit;
  readonly values: BatchValues;
  readonly problems: readonly FieldProblem[];
  readonly shown: ShownEstimate | null;
  readonly helpdesks: readonly string[];
}

/** The form that starts a batch; browser/new-batch.ts asks for the estimate by itself where scripts run. */
export const NewBatchView: FC<NewBatchProps> = (props) => {
  const { visit, helpdesks, problems, shown } = props;
  if (!visit.canChange) {
    return (
      <Empty title="Only operators start batches.">
        <p>You are signed in as a viewer.</p>
      </Empty>
    );
  }
  if (helpdesks.length === 0) {
    return (
      <Empty title="No helpdesk is configured.">
        <p>Set ZENDESK_BASE_URL or FRESHDESK_BASE_URL with its credentials, and restart.</p>
      </Empty>
    );
  }
  return (
    <form
      class="new-batch"
      method="post"
      action="/batches"
      enctype="multipart/form-data"
      data-estimate="/batches/estimate"
    >
      <section class="card">
        <h2>Which tickets</h2>
        <WhichTickets {...props} />
      </section>
      <section class="card">
        <h2>How</h2>
        <How {...props} />
      </section>
      <section class="card">
        <h2>What it takes</h2>
        <p>
          <button class="quiet" type="submit" formaction="/batches/estimate">
            Estimate
          </button>
        </p>
        <div id="estimate" role="status">
          <EstimateView problems={problems} shown={shown} />
        </div>
      </section>
    </form>
  );
};

const WhichTickets: FC<NewBatchProps> = (props) => {
  const { values, helpdesks } = props;
  return (
    <>
      {helpdesks.length === 1 ? (
        <input type="hidden" name="helpdesk" value={helpdesks[0] ?? ''} />
      ) : (
        <Row field="helpdesk" label="Helpdesk" {...props}>
          <select id="helpdesk" name="helpdesk" {...described('helpdesk', props)}>
            {helpdesks.map((name) => (
              <option value={name} selected={name === values.helpdesk}>
                {name}
              </option>
            ))}
          </select>
        </Row>
      )}
      <fieldset class="choice">
        <legend class="unseen">Which tickets</legend>
        <div>
          <Radio name="from" value="ids" label="These ids" chosen={values.from !== 'filter'} />
          <Radio name="from" value="filter" label="All that fit a filter" chosen={values.from === 'filter'} />
        </div>
        <div class="by-ids">
          <Row
            field="ids"
            label="Ticket ids"
            hint="Any separators; #5158 and addresses of tickets too. At most 10,000."
            {...props}
          >
            <textarea id="ids" name="ids" rows={5} spellcheck={false} {...described('ids', props, true)}>
              {values.ids}
            </textarea>
          </Row>
          <Row field={null} label="… or from a file" id="file" {...props}>
            <input id="file" name="file" type="file" accept=".txt,.csv,text/plain,text/csv" />
          </Row>
        </div>
        <div class="by-filter">
          <Filter {...props} />
        </div>
      </fieldset>
    </>
  );
};

const Filter: FC<NewBatchProps> = (props) => (
  <>
    <Text field="status" label="Status" hint="In the helpdesk's words: new, open, pending. Any of them." {...props} />
    <Text field="tags" label="Tags" hint="All of them." {...props} />
    <Text field="group" label="Group" hint="The id of a group of agents." {...props} />
    <div class="pair">
      <Text field="createdSince" label="Created since (UTC)" type="date" {...props} />
      <Text field="createdUntil" label="Created before (UTC)" type="date" {...props} />
      <Text field="updatedSince" label="Changed since (UTC)" type="date" {...props} />
      <Text field="updatedUntil" label="Changed before (UTC)" type="date" {...props} />
    </div>
  </>
);

const How: FC<NewBatchProps> = (props) => {
  const { values } = props;
  return (
    <>
      <Text field="name" label="Name (optional)" {...props} />
      <fieldset>
        <legend>Notes</legend>
        <Radio
          name="post"
          value="auto"
          label="Post each draft as a private note at once"
          chosen={values.post !== 'hold'}
        />
        <Radio
          name="post"
          value="hold"
          label="Hold the drafts until they are released"
          chosen={values.post === 'hold'}
        />
      </fieldset>
      <Row field="lane" label="Lane" {...props}>
        <select id="lane" name="lane" {...described('lane', props)}>
          {BATCH_LANES.map((lane) => (
            <option value={lane} selected={lane === values.lane}>
              {LANE_WORDS[lane]}
            </option>
          ))}
        </select>
      </Row>
      <label class="inline">
        <input type="checkbox" name="skipDrafted" checked={values.skipDrafted !== ''} />
        Leave out tickets that have a current draft
      </label>
      <label class="inline">
        <input type="checkbox" name="canary" checked={values.canary !== ''} />
        Canary: a few tickets first, and stop if too many fail
      </label>
      <div class="pair canary">
        <Text field="canarySize" label="Tickets of the canary" type="number" {...props} />
        <Text field="canaryPercent" label="At most so many may fail (%)" type="number" {...props} />
      </div>
      <Text
        field="budgetUsd"
        label="Stop before more is spent than (USD)"
        hint="Empty: no cap of its own."
        {...props}
      />
    </>
  );
};

type RowProps = NewBatchProps & { readonly label: string; readonly hint?: string };

const Text: FC<RowProps & { field: Field; type?: string }> = ({ field, type = 'text', ...props }) => (
  <Row field={field} {...props}>
    <input
      id={field}
      name={field}
      type={type}
      value={props.values[field]}
      {...(field === 'budgetUsd' ? { inputmode: 'decimal' } : {})}
      {...described(field, props, props.hint !== undefined)}
    />
  </Row>
);

const Row: FC<RowProps & { field: Field | null; id?: string; children?: Child }> = (props) => {
  const { field, id = field ?? '', label, hint, problems, children } = props;
  const messages = problems.filter((problem) => field !== null && problem.field === field);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
      {field !== null && (
        <p class="wrong" id={`${field}-wrong`}>
          {messages.map(({ message }) => `It ${message}.`).join(' ')}
        </p>
      )}
    </div>
  );
};

/** Ties a field to its hint and to what is wrong with it. */
function described(field: Field, { problems }: NewBatchProps, hint = false): Record<string, string> {
  const wrong = problems.some((problem) => problem.field === field);
  const ids = [...(hint ? [`${field}-hint`] : []), `${field}-wrong`];
  return {
    ...(wrong ? { 'aria-invalid': 'true' } : {}),
    'aria-describedby': ids.join(' '),
  };
}

const Radio: FC<{ name: string; value: string; label: string; chosen: boolean }> = ({ name, value, label, chosen }) => (
  <label class="inline">
    <input type="radio" name={name} value={value} checked={chosen} />
    {label}
  </label>
);
