import type { LanguageModelModule } from './language-model-module.ts';
import { openai } from './openai.ts';

/** Every family of language models that Draftdesk knows: one line each. */
export const languageModels: readonly LanguageModelModule[] = [openai];
