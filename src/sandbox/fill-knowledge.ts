import type { HelpdeskSimulator } from './helpdesk-simulator.ts';
import { escapeHtml } from './html.ts';
import { sampleArticles, sampleMacros } from './sample-articles.ts';
import { sampleHistory } from './sample-history.ts';

/**
 * Writes a help centre, macros and solved tickets into a simulated account, as if its team had been at work for long.
 * `origin` is the account's address, for the links in answers. Before `connect`: the tickets send no webhooks then.
 * Answers the ids of the tickets.
 */
export function fillKnowledge(simulator: HelpdeskSimulator, origin: string): string[] {
  for (const article of Object.values(sampleArticles)) simulator.helpCentre.addArticle(article);
  for (const macro of sampleMacros) simulator.helpCentre.addMacro(macro);
  return sampleHistory.map(([subject, question, answer, name], index) => {
    const requester = { name: `Earlier customer ${index + 1}`, email: `earlier${index + 1}@mail.example` };
    const ticketId = simulator.addTicket({ subject, html: `<p>${escapeHtml(question)}</p>`, requester });
    const { id, texts } = sampleArticles[name];
    const title = escapeHtml(texts[0]?.title ?? '');
    const link = `<a href="${articleUrl(simulator.name, origin, id)}">${title}</a>`;
    simulator.agentReply(ticketId, `<p>${escapeHtml(answer)}</p><p>${link}</p>`, { public: true });
    simulator.solve(ticketId);
    return ticketId;
  });
}

function articleUrl(helpdesk: HelpdeskSimulator['name'], origin: string, id: number): string {
  return helpdesk === 'zendesk' ? `${origin}/hc/en-us/articles/${id}` : `${origin}/support/solutions/articles/${id}`;
}
