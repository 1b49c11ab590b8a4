import type { Header } from '@tanstack/react-table';
import type { CSSProperties, ReactNode } from 'react';
import { useServices } from '../../common/services';
import type { IColumn } from './columns';
import type { ISort } from './query';
import type { Row } from './rows';

interface IProps {
  readonly header: Header<Row, unknown>;
  readonly sort: readonly ISort[];
  readonly onSort: (column: IColumn, add: boolean) => void;
  readonly className: string;
  readonly style: CSSProperties;
  readonly children: ReactNode;
}

/** A column's head: sorts when pressed, and is as wide as it is drawn. */
export function HeadCell({ header, sort, onSort, className, style, children }: IProps): JSX.Element {
  const { trans } = useServices();
  const column = header.column.columnDef.meta?.column;
  const at = sort.findIndex(one => one.id === column?.id);
  const order = sort[at];
  const direction = order ? (order.desc ? 'descending' : 'ascending') : 'none';
  return (
    <div className={className} role="columnheader" style={style} aria-sort={column?.canSort ? direction : undefined}>
      {column?.canSort ? (
        <button
          className="jp-mlops-Runs-sort"
          title={trans.__('%1: sort; with Shift after the other orders', column.id)}
          onClick={event => onSort(column, event.shiftKey)}
        >
          <span>{children}</span>
          {order ? <span aria-hidden="true">{order.desc ? '▼' : '▲'}</span> : null}
          {order && sort.length > 1 ? <sub>{at + 1}</sub> : null}
        </button>
      ) : (
        <span className="jp-mlops-Runs-title">{children}</span>
      )}
      <span
        className="jp-mlops-Runs-resize"
        aria-hidden="true"
        onMouseDown={header.getResizeHandler()}
        onTouchStart={header.getResizeHandler()}
        onDoubleClick={() => header.column.resetSize()}
      />
    </div>
  );
}
