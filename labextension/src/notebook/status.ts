import type { CommandRegistry } from '@lumino/commands';
import { Widget } from '@lumino/widgets';
import type { Session } from '../session';
import { Commands } from '../tokens';
import type { NotebookBars } from './bars';
import { isPython } from './content';
import { isProblem } from './facts';
import { isTagged, summaryOf } from './marks';
import { NotebookCommands } from './names';

/** What the notebook's toolbar says of the pipeline: `5 steps · 1 problem`. */
export class PipelineStatus extends Widget {
  constructor(
    private readonly bars: NotebookBars,
    private readonly session: Session,
    private readonly commands: CommandRegistry
  ) {
    super();
    this.addClass('jp-mlops-NotebookStatus');
    this._button.type = 'button';
    this._button.className = 'jp-mlops-NotebookStatus-button';
    this._button.addEventListener('click', () => this.act());
    this.node.appendChild(this._button);
    bars.changed.connect(this.refresh, this);
    session.analysisChanged.connect(this.refresh, this);
    this.refresh();
  }

  override dispose(): void {
    if (!this.isDisposed) {
      this.bars.changed.disconnect(this.refresh, this);
      this.session.analysisChanged.disconnect(this.refresh, this);
    }
    super.dispose();
  }

  private refresh(): void {
    const { trans, model, cells, facts } = this.bars;
    const isShown = model !== null && isPython(model);
    this.setHidden(!isShown);
    if (!isShown) {
      return;
    }
    const { steps, errors, warnings } = summaryOf(cells, facts);
    const problems = errors + warnings;
    const failure = this.failure();
    const parts = isTagged(cells)
      ? [trans._n('%1 step', '%1 steps', steps)]
      : [trans.__('Suggest steps')];
    if (problems > 0) {
      parts.push(trans._n('%1 problem', '%1 problems', problems));
    }
    if (failure) {
      parts.push(trans.__('not analysed'));
    }
    const text = parts.join(' · ');
    const title = failure ?? this.title_(problems);
    const severity = failure || errors > 0 ? 'error' : warnings > 0 ? 'warning' : 'none';
    if (this._button.textContent !== text) {
      this._button.textContent = text;
    }
    this._button.title = title;
    this._button.setAttribute('aria-label', `MLOps: ${text}. ${title}`);
    this.node.dataset['severity'] = severity;
  }

  private title_(problems: number): string {
    const { trans, cells, facts } = this.bars;
    if (problems > 0) {
      const general = facts.diagnostics.filter(one => isProblem(one) && one.cell === null).map(one => one.message);
      return [trans.__('Go to the next problem'), ...general].join('\n');
    }
    return isTagged(cells)
      ? trans.__('Show the pipeline')
      : trans.__('See which steps this notebook could have; nothing is changed before you say so');
  }

  private failure(): string | null {
    const { obstacle, notebook } = this.session;
    return notebook === this.bars.panel && obstacle?.kind === 'failed'
      ? [obstacle.error.message, obstacle.error.problem.hint].filter(Boolean).join(' ')
      : null;
  }

  private act(): void {
    const { cells, facts } = this.bars;
    const hasProblem = facts.diagnostics.some(one => isProblem(one) && one.cell !== null);
    if (hasProblem) {
      void this.commands.execute(NotebookCommands.nextProblem);
    } else if (isTagged(cells) || this.failure()) {
      void this.commands.execute(Commands.showPanel, { tab: 'pipeline' });
    } else {
      void this.commands.execute(Commands.suggestSteps);
    }
  }

  private readonly _button = document.createElement('button');
}
