import { visibleText } from '../core/visible-text.ts';

/** HTML that may stand as it is. */
export class Markup {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

type Part = string | number | Markup | readonly Markup[];

/** HTML; what is put between is text, whoever wrote it, unless it is `Markup` itself. */
export function markup(strings: TemplateStringsArray, ...parts: readonly Part[]): Markup {
  return new Markup(
    strings.map((string, index) => `${string}${index < parts.length ? sourceOf(parts[index] ?? '') : ''}`).join(''),
  );
}

function sourceOf(part: Part): string {
  if (part instanceof Markup) return part.source;
  if (typeof part === 'object') return part.map(({ source }) => source).join('');
  return visibleText(String(part)).replaceAll(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
