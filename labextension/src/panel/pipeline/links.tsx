import type { Analysis } from '../../api/types';
import { useServices } from '../../common/services';
import { Commands } from '../../tokens';

interface IProps {
  readonly cell: string | null;
  readonly line: number | null;
  readonly analysis: Analysis | null;
  /** The cell's place on the page, where the analysis does not know the cell. */
  readonly number?: number | null;
}

/** A link to a cell of the current notebook; nothing where there is no cell to go to. */
export function CellLink({ cell, line, analysis, number }: IProps): JSX.Element | null {
  const { app, trans } = useServices();
  if (cell === null) {
    return null;
  }
  const place = analysis?.cells[cell]?.number ?? number ?? '?';
  return (
    <button
      type="button"
      className="jp-mlops-Link"
      onClick={() => void app.commands.execute(Commands.goToCell, line === null ? { cell } : { cell, line })}
    >
      {line === null ? trans.__('Cell %1', place) : trans.__('Cell %1, line %2', place, line)}
    </button>
  );
}
