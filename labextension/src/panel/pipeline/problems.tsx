import { useState } from 'react';
import type { Analysis, Diagnostic, Explanations } from '../../api/types';
import { Section, tell } from '../../common/parts';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';

/** Diagnostics, the worst first. */
export function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  const ranks = { error: 0, warning: 1, info: 2 };
  return diagnostics
    .map((one, at) => ({ one, at }))
    .sort((a, b) => ranks[a.one.severity] - ranks[b.one.severity] || a.at - b.at)
    .map(({ one }) => one);
}

/** What is wrong with the notebook as a pipeline, or can't be guaranteed. */
export function Problems({ analysis }: { readonly analysis: Analysis }): JSX.Element | null {
  const { trans } = useServices();
  const found = sorted(analysis.pipeline.diagnostics);
  if (found.length === 0) {
    return null;
  }
  return (
    <Section title={trans.__('Problems · %1', found.length)}>
      <ul className="jp-mlops-Diagnostics">
        {found.map((one, at) => (
          <DiagnosticItem key={`${one.code} ${one.cell} ${one.line} ${at}`} diagnostic={one} analysis={analysis} />
        ))}
      </ul>
    </Section>
  );
}

interface IItemProps {
  readonly diagnostic: Diagnostic;
  readonly analysis: Analysis;
}

function DiagnosticItem({ diagnostic, analysis }: IItemProps): JSX.Element {
  const { app, session, trans } = useServices();
  const [reasons, setReasons] = useState<Explanations['reasons'] | null>(null);
  const { severity, message, hint, code, cell, line } = diagnostic;
  const place = cell === null ? undefined : analysis.cells[cell];
  const words = { error: trans.__('Error'), warning: trans.__('Warning'), info: trans.__('Note') };
  const onGo = (): void => {
    void app.commands.execute(Commands.goToCell, line === null ? { cell } : { cell, line });
  };
  const onWhy = (): void => {
    const content = session.content();
    if (reasons) {
      setReasons(null);
    } else if (content && place?.step) {
      session.client
        .send<Explanations>('POST', 'explain', { ...content, step: place.step })
        .then(answer => setReasons(nearest(answer.reasons, cell, line)))
        .catch((error: unknown) => tell(error, trans));
    }
  };
  return (
    <li className={`jp-mlops-Diagnostic jp-mod-${severity}`}>
      <span className="jp-mlops-Diagnostic-sign" role="img" aria-label={words[severity]}>
        {severity === 'info' ? 'ℹ' : severity === 'warning' ? '▲' : '✕'}
      </span>
      <div className="jp-mlops-Diagnostic-text">
        {place ? (
          <button type="button" className="jp-mlops-Link" onClick={onGo}>
            {line === null ? trans.__('Cell %1', place.number) : trans.__('Cell %1, line %2', place.number, line)}
          </button>
        ) : null}
        <div>{message}</div>
        {hint ? <div className="jp-mlops-Dim">{hint}</div> : null}
        <div className="jp-mlops-Dim">
          {code}
          {place?.step ? (
            <>
              {' · '}
              <button type="button" className="jp-mlops-Link" aria-expanded={reasons !== null} onClick={onWhy}>
                {trans.__('Why?')}
              </button>
            </>
          ) : null}
        </div>
        {reasons ? <Reasons reasons={reasons} analysis={analysis} /> : null}
      </div>
    </li>
  );
}

/** Those reasons that speak of a line; all of the step where none does. */
export function nearest(
  reasons: Explanations['reasons'],
  cell: string | null,
  line: number | null
): Explanations['reasons'] {
  const near = reasons.filter(reason => reason.cell === cell && (line === null || reason.line === line));
  return near.length > 0 ? near : reasons;
}

function Reasons({ reasons, analysis }: IReasonsProps): JSX.Element {
  const { app, trans } = useServices();
  if (reasons.length === 0) {
    return <div className="jp-mlops-Dim">{trans.__('This step takes and gives nothing.')}</div>;
  }
  return (
    <ul className="jp-mlops-Reasons">
      {reasons.map((reason, at) => (
        <li key={at}>
          <span>
            <b>{reason.name}</b> {reason.text}
          </span>{' '}
          <button
            type="button"
            className="jp-mlops-Link"
            onClick={() => void app.commands.execute(Commands.goToCell, { cell: reason.cell, line: reason.line })}
          >
            {trans.__('cell %1, line %2', analysis.cells[reason.cell]?.number ?? '?', reason.line)}
          </button>
          {reason.source ? <code>{reason.source.trim()}</code> : null}
        </li>
      ))}
    </ul>
  );
}

interface IReasonsProps {
  readonly reasons: Explanations['reasons'];
  readonly analysis: Analysis;
}
