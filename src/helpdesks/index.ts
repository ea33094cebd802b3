import { freshdesk } from './freshdesk.ts';
import type { HelpdeskModule } from './helpdesk-module.ts';
import { zendesk } from './zendesk.ts';

/** THE REGISTRY. A new helpdesk is one file beside these and one entry here. */
export const helpdesks: readonly HelpdeskModule[] = [zendesk, freshdesk];
