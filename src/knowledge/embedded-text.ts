import { readMessage } from './message.ts';
import { withinPair } from './within-pair.ts';

/** So many characters of each say what it is about, and fit the 512 tokens that many models read at most. */
const SUBJECT_MAX = 300;
const QUESTION_MAX = 1000;
const PASSAGE_MAX = 1500;

/** What an embedding model is given of a question, of a subject and a text that may be HTML; '' where it asks nothing. */
export function questionText(subject: string, text: string): string {
  return joined(readMessage(subject).text, readMessage(text).text);
}

/** The same of texts that have been read already. */
export function joined(subject: string, question: string): string {
  return `${withinPair(subject, SUBJECT_MAX)}\n${withinPair(question, QUESTION_MAX)}`.trim();
}

/** What it is given of a passage. */
export function passageText(title: string, heading: string, text: string): string {
  return withinPair([title, heading, text].filter((part) => part !== '').join('\n'), PASSAGE_MAX);
}
