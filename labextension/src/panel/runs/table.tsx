import {
  flexRender,
  getCoreRowModel,
  useReactTable,
  type ColumnDef,
  type ColumnPinningState,
  type Column
} from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useMemo, useRef, type CSSProperties } from 'react';
import type { Run } from '../../api/types';
import { useServices } from '../../common/services';
import type { IChoice } from './choice';
import { isDownFirst, type IColumn } from './columns';
import { HeadCell } from './headcell';
import { RowCell, RunCell } from './cells';
import type { RunsModel } from './model';
import { nextSort } from './query';
import type { IWorkspaceRow, Row } from './rows';
import type { Selection } from './selection';

export const ROW = 28;
/** The rows of production that stay in sight. */
const PINNED = 3;

interface IProps {
  readonly model: RunsModel;
  readonly workspace: IWorkspaceRow | null;
  readonly columns: readonly IColumn[];
  readonly choice: IChoice;
  readonly onChoice: (change: Partial<IChoice>) => void;
  readonly selection: Selection;
  readonly colours: ReadonlyMap<string, string>;
  readonly onSelect: (id: string, extend: boolean) => void;
  readonly current: string | null;
  readonly onCurrent: (id: string) => void;
  readonly onOpen: (id: string) => void;
  readonly now: number;
}

/** The table: what stays on top, and as many of the runs as are in sight. */
export function RunsTable(props: IProps): JSX.Element {
  const { trans } = useServices();
  const { model, workspace, choice, onChoice } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const pinned = model.pinned.slice(0, PINNED);
  const onTop: readonly Row[] = [...(workspace ? [workspace] : []), ...pinned.map(run => rowOf(model, run, 'top'))];
  const headHeight = ROW * (1 + onTop.length);
  const virtualizer = useVirtualizer({
    count: model.total,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
    scrollPaddingStart: headHeight,
    scrollMargin: headHeight
  });
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0]?.index ?? 0, items[items.length - 1]?.index ?? 0];
  useEffect(() => model.show(first, last), [model, first, last, model.total]);
  useFollowing(model, scroller);
  const question = JSON.stringify([choice.filter, choice.sort, choice.onlyNotebook]);
  useEffect(() => void scroller.current?.scrollTo({ top: 0 }), [question]);
  const rows = items.map((item): Row => {
    const run = model.runAt(item.index);
    return run ? rowOf(model, run, 'run') : { kind: 'waiting', key: `waiting-${item.index}` };
  });
  const table = useReactTable<Row>({
    data: [...onTop, ...rows],
    columns: useDefinitions(props.columns, trans.__('Run')),
    getCoreRowModel: getCoreRowModel(),
    getRowId: row => row.key,
    // rows come and go with scrolling; nothing of the table's state depends on them
    autoResetAll: false,
    columnResizeMode: 'onEnd',
    state: { columnPinning: pinning(choice, props.columns), columnSizing: { ...choice.widths } },
    onColumnSizingChange: change =>
      onChoice({ widths: typeof change === 'function' ? change({ ...choice.widths }) : change })
  });
  const made = table.getRowModel().rows;
  const width = table.getTotalSize();
  const sort = (column: IColumn, add: boolean): void =>
    onChoice({ sort: nextSort(choice.sort, column.id, isDownFirst(column), add) });
  const row = (at: number, number: number, style?: CSSProperties): JSX.Element | null => {
    const found = made[at];
    return found ? (
      <div
        key={found.id}
        className={classOf(found.original, props)}
        role="row"
        aria-rowindex={number}
        aria-selected={isChosen(found.original, props.selection)}
        style={{ ...style, width }}
        onClick={event => press(event, found.original, props)}
        onDoubleClick={() => found.original.kind === 'run' && props.onOpen(found.original.run.run_id)}
      >
        {found.getVisibleCells().map(cell => (
          <div
            key={cell.id}
            className={cellClass(cell.column, cell.column.columnDef.meta?.column)}
            role="gridcell"
            style={placed(cell.column)}
          >
            {cell.column.id === 'run' ? (
              <RunCell row={found.original} {...props} />
            ) : cell.column.columnDef.meta ? (
              <RowCell row={found.original} column={cell.column.columnDef.meta.column} now={props.now} />
            ) : null}
          </div>
        ))}
      </div>
    ) : null;
  };
  return (
    <div
      ref={scroller}
      className={model.total === 0 && model.isLoaded ? 'jp-mlops-Runs-table jp-mod-empty' : 'jp-mlops-Runs-table'}
      role="grid"
      tabIndex={0}
      aria-label={trans.__('Runs')}
      aria-rowcount={model.total + 1 + onTop.length}
      aria-multiselectable="true"
      aria-busy={model.isBusy}
      onKeyDown={event => key(event, props, index => virtualizer.scrollToIndex(index))}
    >
      <div className="jp-mlops-Runs-top" role="rowgroup" style={{ width }}>
        {table.getHeaderGroups().map(group => (
          <div key={group.id} className="jp-mlops-Runs-row jp-mod-head" role="row" aria-rowindex={1}>
            {group.headers.map(header => (
              <HeadCell
                key={header.id}
                header={header}
                sort={choice.sort}
                onSort={sort}
                className={cellClass(header.column, header.column.columnDef.meta?.column)}
                style={placed(header.column)}
              >
                {flexRender(header.column.columnDef.header, header.getContext())}
              </HeadCell>
            ))}
          </div>
        ))}
        {onTop.map((_, at) => row(at, at + 2))}
      </div>
      <div className="jp-mlops-Runs-body" role="rowgroup" style={{ width, height: virtualizer.getTotalSize() }}>
        {items.map((item, at) =>
          row(onTop.length + at, item.index + 2 + onTop.length, {
            transform: `translateY(${item.start - headHeight}px)`,
            position: 'absolute'
          })
        )}
      </div>
    </div>
  );
}

declare module '@tanstack/react-table' {
  // eslint-disable-next-line @typescript-eslint/no-unused-vars
  interface ColumnMeta<TData, TValue> {
    readonly column: IColumn;
  }
}

function useDefinitions(columns: readonly IColumn[], title: string): ColumnDef<Row>[] {
  const ids = columns.map(column => column.id).join('\n');
  return useMemo(
    () => [
      { id: 'run', header: title, size: 150, minSize: 90 },
      ...columns.map(
        (column): ColumnDef<Row> => ({
          id: column.id,
          header: column.label,
          size: column.width,
          minSize: 40,
          meta: { column }
        })
      )
    ],
    [ids, title]
  );
}

/** Keep looking at the same runs when newer ones came above them. */
function useFollowing(model: RunsModel, scroller: React.RefObject<HTMLDivElement>): void {
  useEffect(() => {
    const slot = (_: RunsModel, delta: number): void => {
      const node = scroller.current;
      // at the very top the newest are what is looked at
      if (node && node.scrollTop > 0) {
        node.scrollTop += delta * ROW;
      }
    };
    model.moved.connect(slot);
    return () => void model.moved.disconnect(slot);
  }, [model, scroller]);
}

function rowOf(model: RunsModel, run: Run, place: 'top' | 'run'): Row {
  return { kind: 'run', key: `${place}-${run.run_id}`, run, marks: model.marksOf(run.run_id) };
}

function pinning(choice: IChoice, columns: readonly IColumn[]): ColumnPinningState {
  const shown = new Set(columns.map(column => column.id));
  return { left: ['run', ...choice.pinned.filter(id => shown.has(id))], right: [] };
}

function placed(column: Column<Row>): CSSProperties {
  const width = column.getSize();
  return column.getIsPinned() ? { width, left: column.getStart('left') } : { width };
}

function cellClass(column: Column<Row>, own: IColumn | undefined): string {
  const names = ['jp-mlops-Runs-cell'];
  if (column.getIsPinned()) {
    names.push('jp-mod-pinned');
  }
  if (own?.isNumber) {
    names.push('jp-mod-number');
  }
  return names.join(' ');
}

function classOf(row: Row, { selection, current }: IProps): string {
  const names = ['jp-mlops-Runs-row', `jp-mod-${row.kind}`];
  if (isChosen(row, selection)) {
    names.push('jp-mod-selected');
  }
  if (row.kind === 'run' && row.run.run_id === current) {
    names.push('jp-mod-current');
  }
  return names.join(' ');
}

function isChosen(row: Row, selection: Selection): boolean {
  return row.kind === 'run' && selection.includes(row.run.run_id);
}

function press(event: React.MouseEvent, row: Row, props: IProps): void {
  if (row.kind !== 'run' || (event.target as HTMLElement).closest('input, button, a')) {
    return;
  }
  if (event.shiftKey || event.ctrlKey || event.metaKey) {
    props.onSelect(row.run.run_id, event.shiftKey);
    return;
  }
  props.onCurrent(row.run.run_id);
}

function key(event: React.KeyboardEvent, props: IProps, scrollTo: (index: number) => void): void {
  if (event.target !== event.currentTarget) {
    return;
  }
  const moves: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
  const move = moves[event.key];
  const { model, current } = props;
  if (move !== undefined) {
    event.preventDefault();
    const at = current === null ? -1 : model.indexOf(current);
    const next = Math.max(0, Math.min(model.total - 1, at < 0 ? 0 : at + move));
    const run = model.runAt(next);
    if (run) {
      props.onCurrent(run.run_id);
    }
    scrollTo(next);
  } else if (current !== null && event.key === ' ') {
    event.preventDefault();
    props.onSelect(current, false);
  } else if (current !== null && event.key === 'Enter') {
    event.preventDefault();
    props.onOpen(current);
  }
}
