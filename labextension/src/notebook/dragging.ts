import type { NotebookBars } from './bars';
import { moveBoundary } from './retag';
import { boundaryRange, place } from './steps';

/** How far a pointer has to move before it drags. */
const THRESHOLD = 4;

/** A drag of the boundary above a step's first cell: a line shows where the step would begin. */
export class BoundaryDrag {
  /** Begin to follow the pointer; does nothing where the boundary can't be moved. */
  static begin(bars: NotebookBars, at: number, event: PointerEvent): void {
    const range = boundaryRange(place(bars.cells), at);
    if (event.button !== 0 || !range || !bars.isEditable) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    new BoundaryDrag(bars, at, range, event);
  }

  private constructor(
    private readonly bars: NotebookBars,
    private readonly at: number,
    private readonly range: readonly [number, number],
    event: PointerEvent
  ) {
    this._from = event.clientY;
    this._target = at;
    this._line.className = 'jp-mlops-DropLine';
    window.addEventListener('pointermove', this._move);
    window.addEventListener('pointerup', this._up);
    window.addEventListener('pointercancel', this._cancel);
    window.addEventListener('keydown', this._key, true);
  }

  private readonly _move = (event: PointerEvent): void => {
    if (!this._isDragging && Math.abs(event.clientY - this._from) < THRESHOLD) {
      return;
    }
    this._isDragging = true;
    this._target = this.nearest(event.clientY);
    const cell = this.bars.panel.content.widgets[this._target];
    if (cell && this._line.parentElement !== cell.node) {
      cell.node.appendChild(this._line);
    }
    cell?.node.scrollIntoView({ block: 'nearest' });
  };

  /** The position within range whose upper edge is nearest. */
  private nearest(y: number): number {
    let best = this.at;
    let distance = Infinity;
    const { widgets } = this.bars.panel.content;
    for (let position = this.range[0]; position <= this.range[1]; position++) {
      const box = widgets[position]?.isAttached ? widgets[position]!.node.getBoundingClientRect() : null;
      if (!box || box.height === 0 || !this.bars.cells[position]?.isCode) {
        continue;
      }
      const away = Math.abs(box.top - y);
      if (away < distance) {
        [best, distance] = [position, away];
      }
    }
    return best;
  }

  private readonly _up = (): void => {
    this.end();
    if (this._isDragging && this._target !== this.at) {
      this.bars.apply(moveBoundary(this.bars.cells, this.at, this._target));
    }
  };

  private readonly _cancel = (): void => this.end();

  private readonly _key = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      this.end();
    }
  };

  private end(): void {
    this._line.remove();
    window.removeEventListener('pointermove', this._move);
    window.removeEventListener('pointerup', this._up);
    window.removeEventListener('pointercancel', this._cancel);
    window.removeEventListener('keydown', this._key, true);
  }

  private readonly _line = document.createElement('div');
  private readonly _from: number;
  private _target: number;
  private _isDragging = false;
}
