import { useState } from 'react';
import { useServices } from '../../common/services';
import type { ColumnKind, IColumn } from './columns';
import { toggled } from './columns';

/** Names that are listed at once; more are found by typing. */
const LONGEST = 60;

interface IProps {
  readonly all: readonly IColumn[];
  readonly shown: readonly IColumn[];
  readonly pinned: readonly string[];
  readonly onColumns: (columns: readonly string[] | null) => void;
  readonly onPinned: (pinned: readonly string[]) => void;
}

/** Which columns the table has, and which stay when it is scrolled. */
export function ColumnChooser({ all, shown, pinned, onColumns, onPinned }: IProps): JSX.Element {
  const { trans } = useServices();
  const [text, setText] = useState('');
  const ids = new Set(shown.map(column => column.id));
  const wanted = text.trim().toLowerCase();
  const found = all.filter(column => `${column.label} ${column.id}`.toLowerCase().includes(wanted));
  const titles: readonly (readonly [ColumnKind, string])[] = [
    ['metric', trans.__('Metrics')],
    ['param', trans.__('Parameters')],
    ['attribute', trans.__('Of the run')],
    ['tag', trans.__('Tags')]
  ];
  const pin = (id: string): void =>
    onPinned(pinned.includes(id) ? pinned.filter(one => one !== id) : [...pinned, id]);
  return (
    <div className="jp-mlops-Runs-chooser" role="group" aria-label={trans.__('Columns')}>
      <div className="jp-mlops-Runs-chooserHead">
        <input
          type="search"
          value={text}
          placeholder={trans.__('Find a column')}
          aria-label={trans.__('Find a column')}
          onChange={event => setText(event.target.value)}
        />
        <button className="jp-mlops-Link" onClick={() => onColumns(null)}>
          {trans.__('Reset')}
        </button>
      </div>
      {titles.map(([kind, title]) => {
        const columns = found.filter(column => column.kind === kind);
        return columns.length === 0 ? null : (
          <fieldset key={kind}>
            <legend>{title}</legend>
            {columns.slice(0, LONGEST).map(column => (
              <div key={column.id} className="jp-mlops-Runs-choice">
                <label title={column.id}>
                  <input
                    type="checkbox"
                    checked={ids.has(column.id)}
                    onChange={() => onColumns(toggled(shown, column))}
                  />
                  <span>{column.label}</span>
                </label>
                {ids.has(column.id) ? (
                  <button
                    className="jp-mlops-Link"
                    aria-pressed={pinned.includes(column.id)}
                    aria-label={trans.__('Pin %1', column.label)}
                    onClick={() => pin(column.id)}
                  >
                    {pinned.includes(column.id) ? trans.__('Unpin') : trans.__('Pin')}
                  </button>
                ) : null}
              </div>
            ))}
            {columns.length > LONGEST ? (
              <div className="jp-mlops-Muted">{trans.__('%1 more: type a part of the name', columns.length - LONGEST)}</div>
            ) : null}
          </fieldset>
        );
      })}
      {found.length === 0 ? <div className="jp-mlops-Muted">{trans.__('No column has such a name.')}</div> : null}
    </div>
  );
}
