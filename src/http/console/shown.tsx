import type { FC } from 'hono/jsx';
import { visibleText } from '../../core/visible-text.ts';

/**
 * Words of customers, models and vendors: without what nobody sees, and in a direction of their own, so that none of it
 * turns the page around it.
 */
export const Shown: FC<{ text: string }> = ({ text }) => <bdi>{visibleText(text)}</bdi>;

/** The same with its line breaks. */
export const Lines: FC<{ text: string }> = ({ text }) => (
  <>
    {visibleText(text)
      .split('\n')
      .map((line, index) => (
        <>
          {index > 0 && <br />}
          <bdi>{line}</bdi>
        </>
      ))}
  </>
);

/** A link to where a helpdesk or a help centre is; what is no web address is shown only. */
export const OutsideLink: FC<{ url: string | null; text: string }> = ({ url, text }) =>
  url !== null && /^https?:\/\//.test(url) ? (
    <a href={url} rel="noreferrer noopener" target="_blank">
      <Shown text={text} />
    </a>
  ) : (
    <Shown text={text} />
  );
