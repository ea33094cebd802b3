import type { FC } from 'hono/jsx';
import type { Found, FoundArticle } from '../../core/knowledge-base.ts';
import { Card, Chip, Empty, Meter } from './components.tsx';
import { Lines, Shown } from './shown.tsx';
import { count } from './words.ts';

/** What was found for a question: articles with why, how people have answered before, and canned replies. */
export const KnowledgeFound: FC<{ found: Found }> = ({ found: { articles, solved, canned } }) => {
  if (articles.length + solved.length + canned.length === 0)
    return (
      <Card title="Found">
        <Empty title="Nothing is found for that.">
          <p>Try the words that your articles use, or other ones of the customer.</p>
        </Empty>
      </Card>
    );
  return (
    <>
      {articles.length > 0 && (
        <Card title="Articles that would be used">
          {articles.map((article) => (
            <Article article={article} />
          ))}
        </Card>
      )}
      {solved.length > 0 && (
        <Card title="How it was answered before">
          {solved.map(({ id, subject, reply }) => (
            <Text title={subject === '' ? id : subject} about={id} text={reply} />
          ))}
        </Card>
      )}
      {canned.length > 0 && (
        <Card title="Canned replies">
          {canned.map(({ id, title, body }) => (
            <Text title={title === '' ? id : title} about={id} text={body} />
          ))}
        </Card>
      )}
    </>
  );
};

const Article: FC<{ article: FoundArticle }> = ({ article }) => {
  const { id, locale, title, url, restricted, heading, passage, share, votes } = article;
  return (
    <article>
      <h3>
        <Shown text={title === '' ? id : title} />
      </h3>
      <Meter
        label={`${count(votes, 'vote')} of solved tickets`}
        used={share}
        of={1}
        text={`${Math.round(share * 100)} % of the evidence`}
      />
      <p class="hint">
        <code>
          <Shown text={id} />
        </code>
        {locale === null ? null : (
          <>
            {' '}
            · <Shown text={locale} />
          </>
        )}
        {restricted && (
          <>
            {' '}
            <Chip tone="wait">not for every customer</Chip>
          </>
        )}
        {url !== null && /^https?:\/\//i.test(url) && (
          <>
            {' '}
            <a href={url} rel="noreferrer noopener">
              <Shown text={url} />
            </a>
          </>
        )}
      </p>
      {heading !== '' && (
        <p>
          <strong>
            <Shown text={heading} />
          </strong>
        </p>
      )}
      <Passage text={passage} />
    </article>
  );
};

const Text: FC<{ title: string; about: string; text: string }> = ({ title, about, text }) => (
  <article>
    <h3>
      <Shown text={title} />
    </h3>
    <p class="hint">
      <code>
        <Shown text={about} />
      </code>
    </p>
    <Passage text={text} />
  </article>
);

/** More than this is unfolded by who wants it, characters. */
const SHOWN_MAX = 500;

const Passage: FC<{ text: string }> = ({ text }) => (
  <>
    <p class="passage">
      <Lines text={text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text} />
    </p>
    {text.length > SHOWN_MAX && (
      <details>
        <summary>All of it</summary>
        <p class="passage">
          <Lines text={text} />
        </p>
      </details>
    )}
  </>
);
