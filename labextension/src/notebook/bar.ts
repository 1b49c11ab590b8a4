import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import { ownKeys } from './keys';
import { isSame, type IMark } from './marks';
import { flowOf, markDetails, markName } from './words';

/** What can be done at a bar. */
export interface IBarActions {
  /** Open or close the editor of the cell. */
  readonly edit: () => void;
  /** A pointer went down on the handle of the boundary. */
  readonly grab: (event: PointerEvent) => void;
}

/**
 * The slim bar above a code cell: the colour and name of its step, what flows through it.
 *
 * Plain elements, changed only where what they show has changed: a notebook has hundreds of them. All texts from the
 * notebook are set as text.
 */
export class StepBar extends Widget {
  constructor(
    private readonly actions: IBarActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlops-Bar');
    this._grip = this.add('div', 'jp-mlops-Bar-grip');
    this._grip.title = trans.__('Drag to begin the step at another cell');
    this._grip.addEventListener('pointerdown', event => this.actions.grab(event));
    // the notebook would begin to drag or to select cells
    this._grip.addEventListener('mousedown', event => event.stopPropagation());
    this._name = ownKeys(this.add('button', 'jp-mlops-Bar-name') as HTMLButtonElement);
    this._name.type = 'button';
    this._name.setAttribute('aria-expanded', 'false');
    this._name.addEventListener('click', () => this.actions.edit());
    this._flow = this.add('span', 'jp-mlops-Bar-flow');
    this._more = this.add('span', 'jp-mlops-Bar-more');
    this._grip.setAttribute('aria-hidden', 'true');
  }

  get mark(): IMark | null {
    return this._mark;
  }

  /** Show this; nothing is touched where it is what is shown. Returns whether anything changed. */
  display(mark: IMark): boolean {
    if (isSame(mark, this._mark)) {
      return false;
    }
    this._mark = mark;
    const { node, trans } = this;
    const name = markName(mark, trans);
    const details = markDetails(mark, trans);
    node.style.setProperty('--jp-mlops-colour', mark.colour);
    node.dataset['kind'] = mark.kind;
    node.classList.toggle('jp-mod-first', mark.isFirst);
    node.classList.toggle('jp-mod-proposed', mark.proposal !== null);
    node.title = details.join('\n');
    this._grip.hidden = !mark.isMovable;
    this._name.textContent = name;
    this._name.setAttribute('aria-label', [trans.__('Edit the cell’s place in the pipeline: %1', name), ...details.slice(1)].join('. '));
    const isTold = mark.isFirst || mark.proposal !== null;
    this._flow.textContent = isTold ? flowOf(mark) : '';
    this._more.textContent = isTold ? this.more(mark).join(' · ') : '';
    return true;
  }

  /** Whether the editor of the cell is open. */
  set isOpen(open: boolean) {
    this._name.setAttribute('aria-expanded', String(open));
  }

  private more(mark: IMark): string[] {
    const found = [...mark.settings];
    if (mark.after.length > 0) {
      found.push(this.trans.__('after %1', mark.after.join(', ')));
    }
    if (mark.isMetrics && mark.step !== 'metrics') {
      found.push(this.trans.__('metrics'));
    }
    if (mark.proposal !== null) {
      found.push(mark.proposal);
    }
    return found;
  }

  private add(tag: string, name: string): HTMLElement {
    const made = document.createElement(tag);
    made.className = name;
    this.node.appendChild(made);
    return made;
  }

  private readonly _grip: HTMLElement;
  private readonly _name: HTMLButtonElement;
  private readonly _flow: HTMLElement;
  private readonly _more: HTMLElement;
  private _mark: IMark | null = null;
}
