import { closeIcon } from '@jupyterlab/ui-components';
import type { ReactNode } from 'react';
import type { Lineage, LineageNode, RunDetail } from '../../api/types';
import { useAnswer } from '../../common/asking';
import { Problem } from '../../common/parts';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import { ArtifactDetails } from './artifact';
import { Figures } from './figures';
import { showCell } from './going';
import { factsOf, kindOf, modelOf, titleOf, whatOf } from './trace';
import { numberText, secondsText, shortRun } from './words';

interface IProps {
  readonly node: LineageNode;
  readonly lineage: Lineage;
  readonly path: string;
  /** Trace the thing itself; not offered for what is traced already. */
  readonly onTrace: (what: string) => void;
  readonly onClose: () => void;
}

/** What there is to know of a thing of the lineage, and what can be done with it. */
export function Details(props: IProps): JSX.Element {
  const { trans } = useServices();
  const { node, lineage } = props;
  return (
    <section className="jp-mlops-Details" aria-label={trans.__('Details of %1', titleOf(node))}>
      <header>
        <h2>
          {titleOf(node)} <small>{kindOf(node, trans)}</small>
        </h2>
        {node.id === lineage.start ? null : (
          <button className="jp-mlops-LinkButton" onClick={() => props.onTrace(whatOf(node))}>
            {trans.__('Trace this')}
          </button>
        )}
        <button className="jp-mlops-IconButton" title={trans.__('Close')} aria-label={trans.__('Close the details')} onClick={props.onClose}>
          <closeIcon.react tag="span" />
        </button>
      </header>
      <Body {...props} />
    </section>
  );
}

function Body({ node, lineage, path }: IProps): JSX.Element {
  switch (node.kind) {
    case 'run':
      return <RunDetails run={node.run_id ?? node.name} step={null} path={path} />;
    case 'step':
      return <StepDetails node={node} lineage={lineage} path={path} />;
    case 'model':
      return <ModelDetails node={node} />;
    default:
      return <ArtifactDetails key={node.id} node={node} lineage={lineage} path={path} />;
  }
}

/** Pairs of a name and what it is. */
export function Facts({ facts }: { readonly facts: readonly (readonly [string, ReactNode])[] }): JSX.Element {
  return (
    <dl className="jp-mlops-Facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Links to cells of a run's notebook. */
export function Cells({ run, lineage, cells }: ICellsProps): JSX.Element {
  const services = useServices();
  const { trans } = services;
  const notebook = lineage.runs.find(one => one.run_id === run)?.notebook ?? null;
  return (
    <>
      {cells.map((cell, at) => (
        <span key={`${cell.id} ${at}`}>
          {at > 0 ? ', ' : ''}
          <button
            className="jp-mlops-LinkButton"
            title={trans.__('Show the cell in the notebook')}
            onClick={() => void showCell(services, { run, notebook, cell: cell.id, line: cell.line ?? null })}
          >
            {cell.number === null ? trans.__('cell') : trans.__('cell %1', cell.number)}
            {cell.line ? ` ${trans.__('line %1', cell.line)}` : ''}
          </button>
        </span>
      ))}
    </>
  );
}

interface ICellsProps {
  readonly run: string;
  readonly lineage: Lineage;
  readonly cells: readonly { readonly id: string; readonly number: number | null; readonly line?: number | null }[];
}

function StepDetails({ node, lineage, path }: Pick<IProps, 'node' | 'lineage' | 'path'>): JSX.Element {
  const { app, trans } = useServices();
  const run = node.run_id ?? '';
  const facts: [string, ReactNode][] = [
    [trans.__('State'), node.computed_in ? trans.__('reused, computed in %1', shortRun(node.computed_in)) : (node.status ?? '')],
    [trans.__('Run'), shortRun(run)],
    ...(node.seconds === null || node.computed_in ? [] : [[trans.__('Time'), secondsText(node.seconds)] as [string, ReactNode]]),
    ...(node.cells.length ? [[trans.__('Code'), <Cells key="cells" run={run} lineage={lineage} cells={node.cells} />] as [string, ReactNode]] : [])
  ];
  return (
    <>
      <Facts facts={facts} />
      <div className="jp-mlops-Buttons">
        <button
          className="jp-mlops-Button"
          title={trans.__('Put what this step took into the notebook’s kernel')}
          onClick={() => void app.commands.execute(Commands.loadIntoKernel, { run, step: node.step ?? '' })}
        >
          {trans.__('Load inputs into kernel')}
        </button>
      </div>
      <Figures run={run} step={node.step} path={path} />
    </>
  );
}

/** A run: what it was, its metrics and figures. */
export function RunDetails({ run, step, path }: { run: string; step: string | null; path: string }): JSX.Element {
  const { app, session, trans } = useServices();
  const answer = useAnswer(`${run} ${path}`, signal =>
    session.client.get<RunDetail>(`runs/${encodeURIComponent(run)}`, { path }, signal)
  );
  if (answer.error) {
    return <Problem error={answer.error} onRetry={answer.again} trans={trans} />;
  }
  const found = answer.value;
  if (!found) {
    return <div className="jp-mlops-Loading" role="status" aria-label={trans.__('Loading')} />;
  }
  const facts: [string, ReactNode][] = [
    [trans.__('Pipeline'), found.pipeline],
    [trans.__('State'), found.status],
    ...(found.started ? [[trans.__('Started'), new Date(found.started).toLocaleString()] as [string, ReactNode]] : []),
    ...(found.seconds === null ? [] : [[trans.__('Time'), secondsText(found.seconds)] as [string, ReactNode]]),
    ...(found.commit ? [[trans.__('Commit'), <code key="commit">{found.commit.slice(0, 9)}</code>] as [string, ReactNode]] : [])
  ];
  return (
    <>
      <Facts facts={facts} />
      <Metrics metrics={found.metrics} />
      {app.commands.hasCommand(Commands.openReport) ? (
        <div className="jp-mlops-Buttons">
          <button className="jp-mlops-Button" onClick={() => void app.commands.execute(Commands.openReport, { run })}>
            {trans.__('Report')}
          </button>
        </div>
      ) : null}
      <Figures run={run} step={step} path={path} />
    </>
  );
}

/** Metrics by name. */
export function Metrics({ metrics }: { readonly metrics: Readonly<Record<string, number | string>> }): JSX.Element | null {
  const { trans } = useServices();
  const names = Object.keys(metrics).sort();
  if (names.length === 0) {
    return null;
  }
  return (
    <table className="jp-mlops-Metrics" aria-label={trans.__('Metrics')}>
      <tbody>
        {names.map(name => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{numberText(metrics[name] ?? '')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function ModelDetails({ node }: { readonly node: LineageNode }): JSX.Element {
  const { app, trans } = useServices();
  const model = modelOf(node);
  return (
    <>
      <Facts
        facts={[
          ...(model ? [[trans.__('Version'), model.version] as const] : []),
          [trans.__('About'), factsOf(node, trans).join(' · ')]
        ]}
      />
      <div className="jp-mlops-Buttons">
        <button className="jp-mlops-Button" onClick={() => void app.commands.execute(Commands.showPanel, { tab: 'models' })}>
          {trans.__('Show in Models')}
        </button>
      </div>
    </>
  );
}
