import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Debouncer } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client } from './api/client';
import type { EventStream, IEvent } from './api/events';
import type { Analysis, Job, JobRequest } from './api/types';
import { contentOf, isPython, type ILiveNotebook } from './notebook/content';

/** Why there is no analysis of the current notebook. */
export type Obstacle =
  | { readonly kind: 'no-notebook' | 'not-python' }
  | { readonly kind: 'failed'; readonly error: ApiError };

/** Milliseconds after the last edit before the notebook is analysed. */
const PAUSE = 250;
const NO_NOTEBOOK: Obstacle = { kind: 'no-notebook' };

/**
 * What all parts of the extension share: the current notebook with its analysis, the values chosen for its parameters,
 * where it is to run, and the jobs that the server knows.
 */
export class Session implements IDisposable {
  constructor(
    readonly client: Client,
    readonly events: EventStream,
    private readonly tracker: INotebookTracker
  ) {
    tracker.currentChanged.connect(this.onNotebook, this);
    events.message.connect(this.onEvent, this);
    this.onNotebook();
  }

  /** Emitted when another notebook became the current one, or none. */
  get notebookChanged(): ISignal<this, NotebookPanel | null> {
    return this._notebookChanged;
  }

  /** Emitted when the analysis, or the reason that there is none, changed. */
  get analysisChanged(): ISignal<this, void> {
    return this._analysisChanged;
  }

  /** Emitted when a job began or went on; the argument is the job. */
  get jobChanged(): ISignal<this, Job> {
    return this._jobChanged;
  }

  /** Emitted when the chosen parameters or the chosen runtime changed. */
  get choiceChanged(): ISignal<this, void> {
    return this._choiceChanged;
  }

  get notebook(): NotebookPanel | null {
    return this._notebook;
  }

  /** The current notebook's path below the contents root; empty where there is none. */
  get path(): string {
    return this._notebook?.context.path ?? '';
  }

  /** The newest analysis; an older one stays while the cells are edited. */
  get analysis(): Analysis | null {
    return this._analysis;
  }

  get obstacle(): Obstacle | null {
    return this._obstacle;
  }

  /** Values chosen for parameters of the current notebook, by name; what is not here has the notebook's own value. */
  get parameters(): Readonly<Record<string, unknown>> {
    return this._parameters.get(this.path) ?? {};
  }

  setParameters(values: Readonly<Record<string, unknown>>): void {
    this._parameters.set(this.path, values);
    this._choiceChanged.emit();
  }

  /** The name of the chosen runtime. */
  get runtime(): string {
    return this._runtime;
  }

  setRuntime(name: string): void {
    this._runtime = name;
    this._choiceChanged.emit();
  }

  /** All jobs that are known, the newest first. */
  get jobs(): readonly Job[] {
    return [...this._jobs.values()].sort((one, other) => (one.created < other.created ? 1 : -1));
  }

  /** The newest job of the current notebook. */
  get job(): Job | null {
    return this.jobs.find(job => job.path === this.path) ?? null;
  }

  /** The current notebook's live content. */
  content(): ILiveNotebook | null {
    const model = this._notebook?.content.model;
    return model ? contentOf(model, this.path) : null;
  }

  /** Start a job for the current notebook; unsaved edits are saved first, so that the record is of what ran. */
  async start(wish: Omit<JobRequest, 'path' | 'parameters' | 'runtime'>): Promise<Job> {
    const panel = this._notebook;
    if (!panel) {
      throw new ApiError({ message: 'No notebook is open.', hint: 'Open the notebook to run.' }, 400);
    }
    if (panel.context.model.dirty) {
      await panel.context.save();
    }
    const parameters = { ...this.parameters };
    const body: JobRequest = { ...wish, path: this.path, parameters, runtime: this.runtime };
    const job = await this.client.send<Job>('POST', 'jobs', body);
    this.note(job);
    return job;
  }

  async stop(job: Job): Promise<void> {
    this.note(await this.client.send<Job>('POST', `jobs/${encodeURIComponent(job.id)}/stop`));
  }

  /** Ask for the jobs that the server knows; what is running goes on after a reload. */
  async loadJobs(): Promise<void> {
    const found = await this.client.get<{ jobs: Job[] }>('jobs');
    found.jobs.forEach(job => this.note(job));
  }

  /** Analyse the current notebook now. */
  async analyse(): Promise<void> {
    const content = this.content();
    const model = this._notebook?.content.model;
    if (!content || !model) {
      this.tell(null, NO_NOTEBOOK);
      return;
    }
    if (!isPython(model)) {
      this.tell(null, { kind: 'not-python' });
      return;
    }
    this._asked?.abort();
    const asked = (this._asked = new AbortController());
    try {
      const analysis = await this.client.send<Analysis>('POST', 'analysis', content, asked.signal);
      if (!asked.signal.aborted && content.path === this.path) {
        this.tell(analysis, null);
      }
    } catch (error) {
      if (!asked.signal.aborted && error instanceof ApiError) {
        this.tell(this._analysis, { kind: 'failed', error });
      }
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
    this._asked?.abort();
    this._debouncer.dispose();
    this.events.dispose();
    Signal.clearData(this);
  }

  private onNotebook(): void {
    const panel = this.tracker.currentWidget;
    if (panel === this._notebook) {
      return;
    }
    if (this._notebook && !this._notebook.isDisposed) {
      this._notebook.content.modelContentChanged.disconnect(this.onEdit, this);
    }
    this._notebook = panel;
    this._analysis = null;
    this._obstacle = panel ? null : NO_NOTEBOOK;
    this._notebookChanged.emit(panel);
    this._analysisChanged.emit();
    if (panel) {
      panel.content.modelContentChanged.connect(this.onEdit, this);
      void panel.context.ready.then(() => this.analyse());
    }
  }

  private onEdit(): void {
    void this._debouncer.invoke();
  }

  private onEvent(_: EventStream, event: IEvent): void {
    if (event.type === 'job' && event['job']) {
      this.note(event['job'] as Job);
    }
  }

  private note(job: Job): void {
    this._jobs.set(job.id, job);
    this._jobChanged.emit(job);
  }

  private tell(analysis: Analysis | null, obstacle: Obstacle | null): void {
    this._analysis = analysis;
    this._obstacle = obstacle;
    this._analysisChanged.emit();
  }

  private _notebook: NotebookPanel | null = null;
  private _analysis: Analysis | null = null;
  private _obstacle: Obstacle | null = NO_NOTEBOOK;
  private _runtime = 'local';
  private _asked: AbortController | null = null;
  private _isDisposed = false;
  private readonly _parameters = new Map<string, Readonly<Record<string, unknown>>>();
  private readonly _jobs = new Map<string, Job>();
  private readonly _debouncer = new Debouncer(() => this.analyse(), PAUSE);
  private readonly _notebookChanged = new Signal<this, NotebookPanel | null>(this);
  private readonly _analysisChanged = new Signal<this, void>(this);
  private readonly _jobChanged = new Signal<this, Job>(this);
  private readonly _choiceChanged = new Signal<this, void>(this);
}
