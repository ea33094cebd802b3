import type { NewBatch } from '../../core/batch.ts';
import type { Estimate } from '../../core/estimate.ts';
import { RequestError } from '../../core/errors.ts';
import type { Helpdesk } from '../../core/helpdesk.ts';
import type { ServiceControl } from '../../core/service-control.ts';
import { assertStartable, askingHelpdesk } from '../batches.ts';
import {
  type BatchValues,
  emptyValues,
  type FieldProblem,
  fingerprint,
  problemOf,
  readBatchForm,
} from './batch-form.ts';
import { startedWords } from './batch-words.ts';
import { textOf } from './form.ts';
import { NewBatchView } from './new-batch-view.tsx';
import type { Pages, View, Visit } from './page.tsx';

interface NewBatchDeps {
  readonly helpdesks: ReadonlyMap<string, Helpdesk>;
  readonly control: ServiceControl;
}

/** An estimate, and what it is of. */
export interface ShownEstimate {
  readonly estimate: Estimate;
  readonly fingerprint: string;
  /** The form was changed after an earlier one. */
  readonly changed: boolean;
}

/** A batch is started in two steps: what it would take, then the button. Nothing starts that was not estimated as it is. */
export function addNewBatchPages(pages: Pages, { control, helpdesks }: NewBatchDeps): void {
  const names = [...helpdesks.keys()];
  const view = (
    visit: Visit,
    values: BatchValues,
    rest: { problems?: readonly FieldProblem[]; shown?: ShownEstimate } = {},
  ): View => {
    const { problems = [], shown = null } = rest;
    const body = <NewBatchView visit={visit} values={values} problems={problems} shown={shown} helpdesks={names} />;
    return { title: 'Start a batch', section: 'Batches', body, status: problems.length === 0 ? 200 : 422 };
  };

  /** What stands in the way is said beside the fields. */
  const attempt = async <T,>(act: () => Promise<T>): Promise<T | readonly FieldProblem[]> => {
    try {
      return await askingHelpdesk(act);
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.fields.length === 0) return [{ field: null, message: error.message }];
      return error.fields.map(({ path, message }) => problemOf(path.split('.'), message));
    }
  };
  const isRefused = (result: object): result is readonly FieldProblem[] => Array.isArray(result);

  const estimated = async (visit: Visit, values: BatchValues, batch: NewBatch, changed: boolean): Promise<View> => {
    const estimate = await attempt(async () => {
      assertStartable(batch, { control, helpdesks });
      return control.estimateBatch(batch);
    });
    if (isRefused(estimate)) return view(visit, values, { problems: estimate });
    return view(visit, values, { shown: { estimate, fingerprint: fingerprint(batch), changed } });
  };

  pages.page('/batches/new', (_c, visit) => view(visit, emptyValues(names[0] ?? '')));
  pages.page('/batches/estimate', (_c, visit) => view(visit, emptyValues(names[0] ?? '')));
  pages.action('/batches/estimate', async (_c, visit, form) => {
    const { values, batch, problems } = await readBatchForm(form);
    return batch === null ? view(visit, values, { problems }) : estimated(visit, values, batch, false);
  });
  pages.action('/batches', async (_c, visit, form) => {
    const { values, batch, problems } = await readBatchForm(form);
    if (batch === null) return view(visit, values, { problems });
    const before = textOf(form, 'estimated');
    if (before !== fingerprint(batch)) return estimated(visit, values, batch, before !== '');
    const created = await attempt(async () => {
      assertStartable(batch, { control, helpdesks });
      return control.startBatch(batch);
    });
    if (isRefused(created)) return view(visit, values, { problems: created });
    return { to: `/batches/${created.id}`, say: startedWords(created), made: created.id };
  });
}
