import type { Clock } from '../core/clock.ts';

/** One language of an article. */
export interface CentreText {
  readonly locale: string;
  title: string;
  html: string;
  draft: boolean;
  /** Epoch ms. */
  updatedAt: number;
}

export interface CentreArticle {
  readonly id: number;
  /** Where it stands: `Orders`, `Internal`, … */
  readonly folder: string;
  /** For agents, or some customers. */
  restricted: boolean;
  readonly createdAt: number;
  /** Of the newest language, or of what is set for all. */
  updatedAt: number;
  /** The language it was written in first. */
  readonly texts: CentreText[];
}

export interface CentreMacro {
  readonly id: number;
  title: string;
  html: string;
  active: boolean;
  /** One agent's own. */
  readonly personal: boolean;
  /** It writes a note for agents. */
  readonly internal: boolean;
  updatedAt: number;
}

export interface NewArticle {
  readonly id?: number;
  readonly folder: string;
  readonly restricted?: boolean;
  /** Locale, title, HTML. */
  readonly texts: readonly {
    readonly locale: string;
    readonly title: string;
    readonly html: string;
    readonly draft?: boolean;
  }[];
}

export interface NewMacro {
  readonly title: string;
  readonly html: string;
  readonly active?: boolean;
  readonly personal?: boolean;
  readonly internal?: boolean;
}

/** A team's help centre and macros, whatever the vendor, and what the team does to them. Throws for an unknown id. */
export interface HelpCentre {
  readonly articles: ReadonlyMap<number, CentreArticle>;
  readonly macros: ReadonlyMap<number, CentreMacro>;
  /** False: the plan has none, the API says so. */
  licensed: boolean;
  addArticle(article: NewArticle): number;
  addMacro(macro: NewMacro): number;
  edit(articleId: number, change: { readonly locale?: string; readonly html?: string; readonly draft?: boolean }): void;
  restrict(articleId: number, restricted: boolean): void;
  /** Lists tell nothing of it any more. */
  archive(articleId: number): void;
  removeMacro(macroId: number): void;
}

export function createHelpCentre(clock: Clock): HelpCentre {
  const articles = new Map<number, CentreArticle>();
  const macros = new Map<number, CentreMacro>();
  let lastId = 360_000_100;
  const articleOf = (id: number): CentreArticle => {
    const found = articles.get(id);
    if (found === undefined) throw new Error(`the help centre has no article ${id}`);
    return found;
  };

  return {
    articles,
    macros,
    licensed: true,
    addArticle({ id = (lastId += 1), folder, restricted = false, texts }) {
      const now = clock.now();
      const written = texts.map((text) => ({ draft: false, ...text, updatedAt: now }));
      articles.set(id, { id, folder, restricted, createdAt: now, updatedAt: now, texts: written });
      return id;
    },
    addMacro({ title, html, active = true, personal = false, internal = false }) {
      const id = (lastId += 1);
      macros.set(id, { id, title, html, active, personal, internal, updatedAt: clock.now() });
      return id;
    },
    edit(articleId, { locale, html, draft }) {
      const article = articleOf(articleId);
      const text = article.texts.find((one) => locale === undefined || one.locale === locale);
      if (text === undefined) throw new Error(`article ${articleId} has no ${locale}`);
      if (html !== undefined) text.html = html;
      if (draft !== undefined) text.draft = draft;
      text.updatedAt = clock.now();
      article.updatedAt = clock.now();
    },
    restrict(articleId, restricted) {
      Object.assign(articleOf(articleId), { restricted, updatedAt: clock.now() });
    },
    archive: (articleId) => void articles.delete(articleId),
    removeMacro: (macroId) => void macros.delete(macroId),
  };
}
