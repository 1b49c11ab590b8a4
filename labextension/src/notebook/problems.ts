import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import type { Diagnostic } from '../api/types';

import { ownKeys } from './keys';

/** What can be done at a problem. */
export interface IProblemActions {
  readonly goToLine: (line: number) => void;
  /** Explain a code below the problem; returns its text from docs/diagnostics.md in an element. */
  readonly explain: (code: string) => Promise<HTMLElement>;
}

/** The problems of a cell, each with its cure, below its input. */
export class CellProblems extends Widget {
  constructor(
    private readonly actions: IProblemActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mlops-Problems');
    this.node.setAttribute('role', 'group');
    this.node.setAttribute('aria-label', trans.__('Problems of the pipeline in this cell'));
    this.hide();
  }

  /** Show these; nothing is touched where they are what is shown. */
  display(problems: readonly Diagnostic[]): void {
    const shown = JSON.stringify(problems);
    if (shown === this._shown) {
      return;
    }
    this._shown = shown;
    this.node.replaceChildren(...problems.map(problem => this.row(problem)));
    this.setHidden(problems.length === 0);
  }

  private row(problem: Diagnostic): HTMLElement {
    const row = element('div', 'jp-mlops-CellProblem');
    row.dataset['severity'] = problem.severity;
    const text = element('div', 'jp-mlops-CellProblem-text');
    const word = problem.severity === 'error' ? this.trans.__('Error') : this.trans.__('Warning');
    text.append(element('strong', 'jp-mlops-CellProblem-severity', `${word}: `), ...withCode(problem.message), ' ');
    if (problem.line !== null) {
      const line = problem.line;
      text.append(this.button(this.trans.__('Line %1', line), () => this.actions.goToLine(line)), ' ');
    }
    const code = this.button(problem.code, () => void this.explain(row, code, problem.code));
    code.setAttribute('aria-label', this.trans.__('Explain %1', problem.code));
    code.setAttribute('aria-expanded', 'false');
    text.append(code);
    row.append(text);
    if (problem.hint) {
      const hint = element('div', 'jp-mlops-CellProblem-hint');
      hint.append(...withCode(problem.hint));
      row.append(hint);
    }
    return row;
  }

  private async explain(row: HTMLElement, button: HTMLElement, code: string): Promise<void> {
    const open = row.querySelector('.jp-mlops-CellProblem-page');
    if (open) {
      open.remove();
      button.setAttribute('aria-expanded', 'false');
      return;
    }
    button.setAttribute('aria-expanded', 'true');
    const page = await this.actions.explain(code);
    if (button.getAttribute('aria-expanded') === 'true' && !row.querySelector('.jp-mlops-CellProblem-page')) {
      page.classList.add('jp-mlops-CellProblem-page');
      row.append(page);
    }
  }

  private button(label: string, action: () => void): HTMLButtonElement {
    const made = ownKeys(element('button', 'jp-mlops-CellLink', label) as HTMLButtonElement);
    made.type = 'button';
    made.addEventListener('click', action);
    return made;
  }

  private _shown = '[]';
}

function element(tag: string, name: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

/** A text in which what stands between backticks is code. */
function withCode(text: string): (string | HTMLElement)[] {
  const parts = text.split('`');
  // a backtick without its partner is a backtick
  if (parts.length % 2 === 0) {
    return [text];
  }
  return parts.map((part, at) => (at % 2 === 0 ? part : element('code', '', part)));
}
