import type { FC } from 'hono/jsx';
import type { AuditLog, AuditRow } from '../../core/audit.ts';
import type { Helpdesk } from '../../core/helpdesk.ts';
import { conditionWords, effectWords } from '../../core/rule-words.ts';
import type { RuleSet } from '../../core/rules.ts';
import type { Readiness } from '../../core/service-control.ts';
import type { ShownSetting } from '../../core/shown-setting.ts';
import type { AdminContext } from '../admin-auth.ts';
import { openCursor, sealCursor } from '../input.ts';
import { Ago, Card, Chip, Empty, Live, Moment, Name, Pager, Table } from './components.tsx';
import type { Pages, Visit } from './page.tsx';
import type { Session, Sessions } from './sessions.ts';
import { count } from './words.ts';

export interface SettingsDeps {
  readonly audit: AuditLog;
  readonly sessions: Sessions;
  readonly settings: readonly ShownSetting[];
  readonly helpdesks: ReadonlyMap<string, Pick<Helpdesk, 'adminUrl'>>;
  readonly llmAdminUrl?: string | null;
  /** Those in force; not given: there is no file. */
  readonly rules?: () => RuleSet;
  /** Asked at most once a second, however many look. */
  readonly readiness: () => Promise<Readiness>;
}

const PATH = '/settings';
const PAGE = 25;
const LIST = { list: 'console/audit' };

/** What is configured and whether it works, who is signed in, and who changed what. */
export function addSettings(pages: Pages, deps: SettingsDeps): void {
  const { audit, sessions, settings, readiness, rules } = deps;
  pages.page(PATH, async (c, visit) => {
    const { checks } = await readiness();
    return {
      title: 'Settings',
      section: 'Settings',
      body: (
        <>
          <Live id="checks">
            <Checks checks={checks} screenOf={(part) => screenOf(deps, part)} />
          </Live>
          <Configured settings={settings} />
          {rules !== undefined && <Rules of={rules()} />}
          <SignedIn sessions={sessions.list()} visit={visit} />
          <Audit c={c} audit={audit} />
        </>
      ),
    };
  });
}

/** Where the vendor of a part has its settings for us. */
function screenOf({ helpdesks, llmAdminUrl }: SettingsDeps, part: string): string | null {
  return (part === 'llm' ? llmAdminUrl : helpdesks.get(part)?.adminUrl) ?? null;
}

interface ChecksProps {
  readonly checks: Readiness['checks'];
  readonly screenOf: (part: string) => string | null;
}

const Checks: FC<ChecksProps> = ({ checks, screenOf }) => (
  <Card title="Does it work?">
    <Table
      caption="Checks"
      columns={['Part', 'State', 'Says', 'Where']}
      rows={Object.entries(checks).map(([part, says]) => [
        part,
        says === 'ok' ? <Chip tone="good">works</Chip> : <Chip tone="bad">look here</Chip>,
        says === 'ok' ? '' : says,
        <Screen part={part} url={screenOf(part)} />,
      ])}
    />
    <p class="hint">
      More is looked at by <code>npx draftdesk doctor</code> on the machine it runs on.
    </p>
  </Card>
);

const Screen: FC<{ part: string; url: string | null }> = ({ part, url }) =>
  url === null ? null : (
    <a href={url} rel="noreferrer noopener" target="_blank">
      Admin screens of {part}
    </a>
  );

const Configured: FC<{ settings: readonly ShownSetting[] }> = ({ settings }) => {
  const given = settings.filter(({ isDefault }) => !isDefault);
  const left = settings.filter(({ isDefault }) => isDefault);
  return (
    <Card title="Configured">
      <p class="hint">
        Read once, at start, from the environment and <code>.env</code>. Of secrets only the last two characters are
        shown.
      </p>
      <SettingTable caption="Settings that are set" settings={given} />
      <details>
        <summary>{count(left.length, 'setting')} left at the default</summary>
        <SettingTable caption="Settings left at the default" settings={left} />
      </details>
    </Card>
  );
};

const SettingTable: FC<{ caption: string; settings: readonly ShownSetting[] }> = ({ caption, settings }) => (
  <Table
    small
    caption={caption}
    columns={['Variable', 'Value']}
    rows={settings.map(({ name, value }) => [
      <Name of={name} />,
      value === null ? <span class="muted">not set</span> : <code>{value}</code>,
    ])}
  />
);

const Rules: FC<{ of: RuleSet }> = ({ of: { version, rules, categories } }) => (
  <Card title="Rules">
    <p class="hint">
      Version <code>{version}</code>. The first that matches takes a ticket; what none takes gets a draft. They are
      changed in their file and read again on <code>SIGHUP</code>.
    </p>
    <Table
      caption="Rules"
      columns={['Name', 'If', 'Then']}
      rows={rules.map((rule) => [rule.name, conditionWords(rule.when), effectWords(rule)])}
    />
    {categories.length > 0 && (
      <Table
        small
        caption="Categories that the model may name"
        columns={['Category', 'What it is']}
        rows={categories.map(({ name, description }) => [<code>{name}</code>, description])}
      />
    )}
  </Card>
);

const SignedIn: FC<{ sessions: readonly Session[]; visit: Visit }> = ({ sessions, visit }) => (
  <Card title="Signed in at the console">
    <Table
      caption="Who is signed in"
      columns={['Name', 'Role', 'Since', 'From']}
      rows={sessions.map(({ admin, since, address }) => [
        admin.name,
        admin.role,
        <Ago at={since} now={visit.now} />,
        address ?? 'not known',
      ])}
    />
  </Card>
);

const Audit: FC<{ c: AdminContext; audit: AuditLog }> = ({ c, audit }) => {
  const sealed = c.req.query('cursor');
  const { items, nextCursor } = audit.rows(PAGE, openCursor(sealed, LIST));
  return (
    <Card title="Audit log">
      {items.length === 0 ? (
        <Empty title="Nothing has been changed yet." />
      ) : (
        <Table
          caption="Audit log"
          columns={['When', 'Who', 'What', 'Of', 'Outcome', 'From']}
          rows={items.map(auditRow)}
        />
      )}
      <Pager here={PATH} cursor={sealed} next={sealCursor(nextCursor, LIST)} />
    </Card>
  );
};

function auditRow({ at, who, role, action, subject, outcome, address, count }: AuditRow) {
  return [
    <Moment at={at} />,
    who === null ? 'nobody known' : `${who} (${role})`,
    <code>{action}</code>,
    subject ?? '',
    <Chip tone={outcome === 'ok' ? 'good' : outcome === null ? 'wait' : 'bad'}>
      {outcome ?? 'not ended'}
      {count > 1 ? ` × ${count}` : ''}
    </Chip>,
    address ?? '',
  ];
}
