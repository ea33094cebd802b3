import { sha256 } from '../../core/clock.ts';
import type { NewBatch } from '../../core/batch.ts';
import { newBatchSchema, toNewBatch } from '../new-batch.ts';
import { textOf } from './form.ts';
import { idsIn } from './ticket-ids.ts';

/** The fields of the form, as the browser names them. */
const FIELDS = [
  'helpdesk',
  'from',
  'ids',
  'status',
  'tags',
  'group',
  'createdSince',
  'createdUntil',
  'updatedSince',
  'updatedUntil',
  'name',
  'post',
  'lane',
  'skipDrafted',
  'canary',
  'canarySize',
  'canaryPercent',
  'budgetUsd',
] as const;

export type Field = (typeof FIELDS)[number];
export type BatchValues = Readonly<Record<Field, string>>;

export interface FieldProblem {
  /** Null: of the form as a whole. */
  readonly field: Field | null;
  readonly message: string;
}

/** What was filled in, and the batch that it means or what is wrong with it. */
export interface FilledForm {
  readonly values: BatchValues;
  readonly batch: NewBatch | null;
  readonly problems: readonly FieldProblem[];
}

export function emptyValues(helpdesk: string): BatchValues {
  const empty = Object.fromEntries(FIELDS.map((field) => [field, ''])) as Record<Field, string>;
  return {
    ...empty,
    helpdesk,
    from: 'ids',
    post: 'auto',
    lane: 'standard',
    skipDrafted: 'on',
    canarySize: '20',
    canaryPercent: '10',
  };
}

/** Reads the form. A file of ids counts like ids that were pasted. */
export async function readBatchForm(form: FormData): Promise<FilledForm> {
  const given = Object.fromEntries(FIELDS.map((field) => [field, textOf(form, field)])) as Record<Field, string>;
  const file = form.get('file');
  const more = file instanceof File ? (await file.text()).trim() : '';
  const values = { ...given, ids: [given.ids, more].filter((text) => text !== '').join('\n') };
  const { ids, strange } = idsIn(values.ids);
  const problems: FieldProblem[] =
    values.from !== 'filter' && strange.length > 0
      ? [{ field: 'ids', message: `holds what is no id: ${strange.join(' ')}` }]
      : [];
  const result = newBatchSchema.safeParse(bodyOf(values, ids));
  const found = result.success ? [] : result.error.issues.map((issue) => problemOf(issue.path, issue.message));
  const all = [...problems, ...found];
  return { values, problems: all, batch: result.success && all.length === 0 ? toNewBatch(result.data) : null };
}

/** The body of `POST /admin/batches` that the form stands for; empty fields are not in it. */
function bodyOf(values: BatchValues, ids: readonly string[]): object {
  const { helpdesk, name, post, lane, canary, budgetUsd } = values;
  return {
    helpdesk,
    post,
    lane,
    skipDrafted: values.skipDrafted !== '',
    ...(values.from === 'filter' ? { filter: filterOf(values) } : { ticketIds: ids }),
    ...(name === '' ? {} : { name }),
    ...(canary === ''
      ? {}
      : { canary: { size: Number(values.canarySize), maxErrorRate: Number(values.canaryPercent) / 100 } }),
    ...(budgetUsd === '' ? {} : { budgetUsd: Number(budgetUsd) }),
  };
}

function filterOf(values: BatchValues): object {
  const { status, tags, group } = values;
  const dates = (['createdSince', 'createdUntil', 'updatedSince', 'updatedUntil'] as const).filter(
    (field) => values[field] !== '',
  );
  return {
    ...(status === '' ? {} : { status: wordsIn(status) }),
    ...(tags === '' ? {} : { tags: wordsIn(tags) }),
    ...(group === '' ? {} : { group }),
    ...Object.fromEntries(dates.map((field) => [field, `${values[field]}T00:00:00Z`])),
  };
}

function wordsIn(text: string): string[] {
  return text.split(/[\s,;]+/).filter((word) => word !== '');
}

const FIELD_OF_PATH: Readonly<Record<string, Field>> = {
  ticketIds: 'ids',
  filter: 'status',
  'canary.size': 'canarySize',
  'canary.maxErrorRate': 'canaryPercent',
};

/** Beside which field a problem of the body belongs. */
export function problemOf(path: readonly PropertyKey[], message: string): FieldProblem {
  const [first, second] = path.map(String);
  const both = `${first}.${second}`;
  const field =
    FIELD_OF_PATH[both] ??
    FIELDS.find((name) => (first === 'filter' ? name === second : name === first)) ??
    FIELD_OF_PATH[first ?? ''] ??
    null;
  if (field === 'canaryPercent') return { field, message: 'must be from 0 to 100' };
  return { field, message };
}

/** Two forms that mean the same batch have the same; its name changes nothing about an estimate. */
export function fingerprint(batch: NewBatch): string {
  return sha256(JSON.stringify({ ...batch, name: null })).slice(0, 32);
}
