/** The part of html-to-text 10 that we use; the package brings no types. */
declare module 'html-to-text' {
  export interface Element {
    readonly name: string;
    readonly attribs: Record<string, string>;
    readonly children: readonly Element[];
  }

  export interface Builder {
    addInline(text: string): void;
  }

  /** Writes elements to the builder, each by the format of its selector. */
  export type Walk = (elements: readonly Element[], builder: Builder) => void;
  export type Formatter = (element: Element, walk: Walk, builder: Builder) => void;

  export interface Selector {
    readonly selector: string;
    readonly format?: string;
    readonly options?: Readonly<Record<string, unknown>>;
  }

  export function compile(options: {
    readonly wordwrap?: false;
    readonly limits?: { readonly maxDepth?: number; readonly ellipsis?: string };
    readonly formatters?: Readonly<Record<string, Formatter>>;
    readonly selectors?: readonly Selector[];
  }): (html: string) => string;
}
