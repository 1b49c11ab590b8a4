import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

type Values = Readonly<Record<string, unknown>>;

const STATE = 'jupyter-mlops:choices';
/** Notebooks whose chosen values are kept over a reload. */
const MOST = 50;
/** Values of such parameters are not written down. */
const SECRET = /secret|token|passw|credential|api_?key|private/i;

/** What was chosen for runs: values of parameters by notebook, and the runtime; kept over a reload. */
export class Choices {
  constructor(private readonly state: IStateDB | null) {
    this.restored = this.restore();
  }

  /** When what was chosen before the reload is there again. */
  readonly restored: Promise<void>;

  get runtime(): string {
    return this._runtime ?? 'local';
  }

  setRuntime(name: string): void {
    this._runtime = name;
    this.keep();
  }

  parameters(path: string): Values {
    return this._parameters.get(path) ?? NONE;
  }

  setParameters(path: string, values: Values): void {
    this._parameters.delete(path);
    if (Object.keys(values).length > 0) {
      this._parameters.set(path, values);
    }
    this.keep();
  }

  /** A notebook has another path from now on. */
  move(from: string, to: string): void {
    const values = this._parameters.get(from);
    if (values && from !== to) {
      this._parameters.delete(from);
      this.setParameters(to, values);
    }
  }

  private async restore(): Promise<void> {
    const found = (await this.state?.fetch(STATE).catch(() => undefined)) as IKept | undefined;
    if (typeof found?.runtime === 'string') {
      this._runtime ??= found.runtime;
    }
    for (const [path, values] of Object.entries(found?.parameters ?? {})) {
      if (!this._parameters.has(path) && values && typeof values === 'object') {
        this._parameters.set(path, values);
      }
    }
  }

  private keep(): void {
    const kept: IKept = {
      runtime: this.runtime,
      parameters: Object.fromEntries([...this._parameters].slice(-MOST).map(([path, values]) => [path, open(values)]))
    };
    void this.state?.save(STATE, kept as ReadonlyPartialJSONObject).catch(() => undefined);
  }

  private _runtime: string | null = null;
  private readonly _parameters = new Map<string, Values>();
}

interface IKept {
  readonly runtime?: string;
  readonly parameters?: Readonly<Record<string, Values>>;
}

const NONE: Values = {};

function open(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([name]) => !SECRET.test(name)));
}
