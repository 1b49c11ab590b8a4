import type { Cell, ICellModel } from '@jupyterlab/cells';
import type { INotebookModel, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import type { PanelLayout, Widget } from '@lumino/widgets';
import type { Session } from '../session';
import { StepBar } from './bar';
import { isPython } from './content';
import { BoundaryDrag } from './dragging';
import { applyEdits, cellsOf } from './editing';
import { NO_FACTS, factsOf, type IFacts } from './facts';
import { explainCode } from './pages';
import { isTagged, marksOf, type IMark, type Proposals } from './marks';
import { CellProblems } from './problems';
import type { Edits } from './retag';
import type { ICell } from './steps';

/** What of the bars can be switched off. */
export interface IBarSettings {
  readonly showBars: boolean;
  readonly showProblems: boolean;
}

interface IParts {
  readonly bar: StepBar;
  readonly problems: CellProblems;
}

/** The bars, problems and editor of one notebook. Only what has changed is touched. */
export class NotebookBars implements IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    private readonly session: Session,
    readonly trans: TranslationBundle,
    private _settings: IBarSettings
  ) {
    panel.content.modelChanged.connect(this.onModel, this);
    session.analysisChanged.connect(this.onAnalysis, this);
    panel.disposed.connect(() => this.dispose());
    void panel.context.ready.then(() => {
      if (!this._isDisposed) {
        this.onModel();
      }
    });
  }

  /** Emitted when places, problems or proposals may have changed, after the bars were brought up to date. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get cells(): readonly ICell[] {
    return this._cells;
  }

  get facts(): IFacts {
    return this._facts;
  }

  get marks(): readonly (IMark | null)[] {
    return this._marks;
  }

  get model(): INotebookModel | null {
    return this._model;
  }

  /** Whether this notebook can be a pipeline, and be changed. */
  get isEditable(): boolean {
    return this._model !== null && !this._model.readOnly && isPython(this._model);
  }

  get settings(): IBarSettings {
    return this._settings;
  }

  set settings(settings: IBarSettings) {
    this._settings = settings;
    this.schedule();
  }

  /** Tags that are proposed and shown, but not yet in the notebook. */
  get proposals(): Proposals | null {
    return this._proposals;
  }

  /** Show tags that are proposed, and what the notebook would be with them. */
  propose(proposals: Proposals, preview: IFacts): void {
    this._proposals = proposals;
    this._preview = preview;
    this.refresh();
  }

  /** Show the notebook as it is again. */
  withdraw(): void {
    this._proposals = null;
    this._preview = NO_FACTS;
    this.refresh();
  }

  /** Change the cells, as one step that can be undone. */
  apply(edits: Edits): void {
    if (this._model && this.isEditable) {
      applyEdits(this._model, edits);
      // no frame is awaited, so that who goes on working with the places has the new ones
      this.refresh();
    }
  }

  /** The positions of the selected cells, the active one among them. */
  selected(): number[] {
    const notebook = this.panel.content;
    return notebook.widgets.flatMap((cell, at) => (notebook.isSelectedOrActive(cell) ? [at] : []));
  }

  /** Open the editor at a cell for all these cells, or close it if it is open there. */
  async edit(at: number, chosen: readonly number[] = [at]): Promise<void> {
    const cell = this.panel.content.widgets[at];
    if (!cell || !this._cells[at]?.isCode || !this.isEditable) {
      return;
    }
    const wasHere = this._editor?.cell === cell;
    this.closeEditor();
    if (wasHere) {
      return;
    }
    const { CellEditor } = await import('./editor');
    if (cell.isDisposed || this._isDisposed || this._editor) {
      return;
    }
    await cell.ready;
    const ids = chosen.filter(position => this._cells[position]?.isCode).map(position => this._cells[position]!.id);
    const widget = new CellEditor(this, ids.length > 0 ? ids : [this._cells[at].id]);
    this._editor = { widget, cell };
    this.refresh();
    insertBefore(cell, widget, 'jp-Cell-inputWrapper');
    const parts = this._parts.get(cell);
    if (parts) {
      parts.bar.isOpen = true;
    }
  }

  /** Close the editor, wherever it is open, and give the keyboard back to the notebook. */
  closeEditor(): void {
    const open = this._editor;
    if (!open) {
      return;
    }
    this._editor = null;
    const parts = this._parts.get(open.cell);
    if (parts) {
      parts.bar.isOpen = false;
    }
    const hadFocus = open.widget.node.contains(document.activeElement);
    open.widget.dispose();
    if (hadFocus && !open.cell.isDisposed) {
      open.cell.node.focus();
    }
    this.schedule();
  }

  /** Bring the bars up to date now; nothing is touched where nothing changed. */
  refresh(): void {
    window.cancelAnimationFrame(this._frame);
    this._frame = 0;
    const model = this._model;
    if (!model || this._isDisposed) {
      return;
    }
    this._cells = cellsOf(model);
    this._marks = marksOf(this._cells, this._proposals ? this._preview : this._facts, this._proposals);
    if (this._editor?.cell.isDisposed) {
      this._editor = null;
    }
    const isShown =
      isPython(model) && this._settings.showBars && (isTagged(this._cells) || this._proposals !== null || this._editor !== null);
    this.panel.content.widgets.forEach((cell, at) => {
      // while cells are moved, widgets and model can differ for a moment
      const mark = cell.model?.id === this._cells[at]?.id ? (this._marks[at] ?? null) : null;
      this.show(cell, mark, isShown);
    });
    this._changed.emit();
  }

  /** Bring the bars up to date in the next frame, however often it is asked for. */
  schedule(): void {
    if (this._frame === 0 && !this._isDisposed) {
      this._frame = window.requestAnimationFrame(() => this.refresh());
    }
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    window.cancelAnimationFrame(this._frame);
    Signal.clearData(this);
  }

  private show(cell: Cell, mark: IMark | null, isShown: boolean): void {
    let parts = this._parts.get(cell);
    if (!parts) {
      if (!mark || !(isShown || mark.problems.length > 0)) {
        return;
      }
      if (cell.isPlaceholder()) {
        this.awaitReady(cell);
        return;
      }
      parts = this.insert(cell);
    }
    const hasBar = isShown && mark !== null;
    parts.bar.setHidden(!hasBar);
    cell.toggleClass('jp-mlops-Cell', hasBar);
    if (mark && hasBar && parts.bar.display(mark)) {
      cell.node.style.setProperty('--jp-mlops-colour', mark.colour);
    }
    parts.problems.display(mark && this._settings.showProblems && this._settings.showBars ? mark.problems : []);
  }

  private awaitReady(cell: Cell): void {
    if (this._awaited.has(cell)) {
      return;
    }
    this._awaited.add(cell);
    void cell.ready.then(() => this.schedule());
  }

  private insert(cell: Cell): IParts {
    const at = (): number => this.panel.content.widgets.indexOf(cell);
    const bar = new StepBar(
      {
        edit: () => void this.edit(at(), this.selected().includes(at()) ? this.selected() : [at()]),
        grab: event => BoundaryDrag.begin(this, at(), event)
      },
      this.trans
    );
    const problems = new CellProblems(
      {
        goToLine: line => {
          cell.editor?.setCursorPosition({ line: line - 1, column: 0 });
          cell.editor?.focus();
        },
        explain: code => explainCode(code, this.panel.content.rendermime, this.trans)
      },
      this.trans
    );
    insertBefore(cell, bar, 'jp-Cell-inputWrapper');
    insertAfter(cell, problems, 'jp-Cell-inputWrapper');
    const parts = { bar, problems };
    this._parts.set(cell, parts);
    return parts;
  }

  private onModel(): void {
    const model = this.panel.content.model;
    if (model === this._model) {
      return;
    }
    this._model = model;
    this._followed = new WeakSet();
    if (model) {
      model.cells.changed.connect(this.onCells, this);
      model.metadataChanged.connect(this.schedule, this);
      this.onCells();
      this.onAnalysis();
    }
  }

  private onCells(): void {
    const model = this._model;
    if (!model) {
      return;
    }
    for (const cell of model.cells) {
      if (!this._followed.has(cell)) {
        this._followed.add(cell);
        cell.metadataChanged.connect(this.schedule, this);
      }
    }
    this.schedule();
  }

  private onAnalysis(): void {
    if (this.session.notebook !== this.panel) {
      return;
    }
    // there is none for a moment after a change of notebooks; what was known of this one is still there then
    if (this.session.analysis || this.session.obstacle) {
      this._facts = this.session.analysis ? factsOf(this.session.analysis) : NO_FACTS;
    }
    this.schedule();
  }

  private _model: INotebookModel | null = null;
  private _cells: readonly ICell[] = [];
  private _marks: readonly (IMark | null)[] = [];
  private _facts: IFacts = NO_FACTS;
  private _proposals: Proposals | null = null;
  private _preview: IFacts = NO_FACTS;
  private _editor: { readonly widget: Widget; readonly cell: Cell } | null = null;
  private _frame = 0;
  private _isDisposed = false;
  private _followed = new WeakSet<ICellModel>();
  private readonly _awaited = new WeakSet<Cell>();
  private readonly _parts = new WeakMap<Cell, IParts>();
  private readonly _changed = new Signal<this, void>(this);
}

function positionOf(cell: Cell, name: string): number {
  return (cell.layout as PanelLayout).widgets.findIndex(widget => widget.hasClass(name));
}

function insertBefore(cell: Cell, widget: Widget, name: string): void {
  (cell.layout as PanelLayout).insertWidget(Math.max(0, positionOf(cell, name)), widget);
}

function insertAfter(cell: Cell, widget: Widget, name: string): void {
  (cell.layout as PanelLayout).insertWidget(positionOf(cell, name) + 1, widget);
}
