import type { ModelDetails, ModelVersion } from '../../api/types';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';
import { showCell } from '../lineage/going';
import { shortRun } from '../lineage/words';

/** Where a version came from: its run, step, cells and commit, each leading there. */
export function Origin({ details, shown }: { readonly details: ModelDetails; readonly shown: ModelVersion }): JSX.Element {
  const services = useServices();
  const { app, trans } = services;
  const { lineage } = details;
  const step = lineage?.steps.find(one => one.slug === shown.step);
  const run = shortRun(shown.run_id);
  return (
    <>
      {app.commands.hasCommand(Commands.openReport) ? (
        <button
          className="jp-mlops-LinkButton"
          title={trans.__('Open the run’s report')}
          onClick={() => void app.commands.execute(Commands.openReport, { run: shown.run_id })}
        >
          {run}
        </button>
      ) : (
        run
      )}
      {` · ${step?.name ?? shown.step}`}
      {step?.cells.map(cell => (
        <span key={cell.id}>
          {' · '}
          <button
            className="jp-mlops-LinkButton"
            title={trans.__('Show the cell in the notebook')}
            onClick={() =>
              void showCell(services, { run: shown.run_id, notebook: lineage?.notebook ?? null, cell: cell.id, line: null })
            }
          >
            {cell.number === null ? trans.__('cell') : trans.__('cell %1', cell.number)}
          </button>
        </span>
      ))}
      {lineage?.commit ? (
        <>
          {' · '}
          <code>{lineage.commit.slice(0, 9)}</code>
          {lineage.uncommitted ? ` ${trans.__('with uncommitted changes')}` : ''}
        </>
      ) : null}
    </>
  );
}
