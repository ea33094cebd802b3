import type { Stage } from '../core/outbox.ts';
import { review, revise } from './review-stage.ts';
import type { StageFunction } from './stage-run.ts';
import { draft, post } from './stages.ts';

/** The durable steps of a job. */
export const STAGES: Readonly<Record<Stage, StageFunction>> = { draft, review, revise, post };
