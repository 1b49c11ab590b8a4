import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Debouncer } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import type { IStateDB } from '@jupyterlab/statedb';
import { Signal, type ISignal } from '@lumino/signaling';
import { ApiError, type Client } from './api/client';
import type { EventStream, IEvent } from './api/events';
import type { Analysis, Job, JobRequest, LogEvent, Status } from './api/types';
import { Choices } from './choices';
import { hasEnded, JobBook, type ILogPart } from './jobs';
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
    private readonly tracker: INotebookTracker,
    state: IStateDB | null = null
  ) {
    this._choices = new Choices(state);
    void this._choices.restored.then(() => this._choiceChanged.emit());
    tracker.currentChanged.connect(this.onNotebook, this);
    events.message.connect(this.onEvent, this);
    events.connection.connect(this.onConnection, this);
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

  /** Emitted when a job printed something; the argument is its id. */
  get logChanged(): ISignal<this, string> {
    return this._logChanged;
  }

  /** Emitted when what the server says of itself and of the project changed. */
  get statusChanged(): ISignal<this, void> {
    return this._statusChanged;
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
    return this._notebook?.context.localPath ?? '';
  }

  /** The newest analysis; an older one stays while the cells are edited. */
  get analysis(): Analysis | null {
    return this._analysis;
  }

  get obstacle(): Obstacle | null {
    return this._obstacle;
  }

  /** What the server says of itself and of the current notebook's project; null before it has answered. */
  get status(): Status | null {
    return this._status;
  }

  /** Why there is no status. */
  get statusProblem(): ApiError | null {
    return this._statusProblem;
  }

  /** Values chosen for parameters of the current notebook, by name; what is not here has the notebook's own value. */
  get parameters(): Readonly<Record<string, unknown>> {
    return this._choices.parameters(this.path);
  }

  setParameters(values: Readonly<Record<string, unknown>>): void {
    this._choices.setParameters(this.path, values);
    this._choiceChanged.emit();
  }

  /** The name of the chosen runtime; that of this machine where the project does not know the chosen one. */
  get runtime(): string {
    const chosen = this._choices.runtime;
    const known = this._status?.runtimes;
    return !known || known.some(runtime => runtime.name === chosen) ? chosen : 'local';
  }

  setRuntime(name: string): void {
    this._choices.setRuntime(name);
    this._choiceChanged.emit();
  }

  /** All jobs that are known, the newest first. */
  get jobs(): readonly Job[] {
    return this._book.jobs;
  }

  /** The newest run, verification or submission of the current notebook. */
  get job(): Job | null {
    return this.jobs.find(job => job.path === this.path && job.kind !== 'cure') ?? null;
  }

  /** What a job has printed, as far as it was heard. */
  log(job: Job): readonly ILogPart[] {
    return this._book.log(job.id);
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
    if (panel.context.model.dirty || this._status?.exists === false) {
      await panel.context.save();
    }
    const parameters = { ...this.parameters };
    const runtime = wish.kind === 'submit' ? this.runtime : 'local';
    const body: JobRequest = { ...wish, path: this.path, parameters, runtime };
    const job = await this.client.send<Job>('POST', 'jobs', body);
    this.note(job);
    return job;
  }

  /** Try a run on a cluster again; what ended well is not done again. */
  async retry(job: Job): Promise<void> {
    const path = `runs/${encodeURIComponent(job.run_id ?? '')}/retry?path=${encodeURIComponent(job.path)}`;
    this.note(await this.client.send<Job>('POST', path));
  }

  /** Install what a kernel's environment lacks, as a job. */
  async cure(kernel: string): Promise<void> {
    this.note(await this.client.send<Job>('POST', 'kernel/cure', { path: this.path, kernel }));
  }

  /** Take a job that has ended off the list; its run stays on record. */
  async dismiss(job: Job): Promise<void> {
    await this.client.send('DELETE', `jobs/${encodeURIComponent(job.id)}`);
    this.forget(job.id);
  }

  async stop(job: Job): Promise<void> {
    this.note(await this.client.send<Job>('POST', `jobs/${encodeURIComponent(job.id)}/stop`));
  }

  /** Ask for the jobs that the server knows; what is running goes on after a reload. */
  async loadJobs(): Promise<void> {
    const found = await this.client.get<{ jobs: Job[] }>('jobs');
    found.jobs.forEach(job => this.note(job));
  }

  /** Ask what the server says of itself and of the current notebook's project. */
  async loadStatus(): Promise<void> {
    const path = this.path;
    try {
      const status = await this.client.get<Status>('status', path ? { path } : {});
      if (path === this.path) {
        this.tellStatus(status, null);
      }
    } catch (error) {
      if (path === this.path && error instanceof ApiError) {
        this.tellStatus(null, error);
      }
    }
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
      const isNewerUnderWay = error instanceof ApiError && error.problem.code === 'superseded';
      if (!asked.signal.aborted && error instanceof ApiError && !isNewerUnderWay) {
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
      this._notebook.context.pathChanged.disconnect(this.onPath, this);
    }
    this._asked?.abort();
    this._notebook = panel;
    this._knownPath = this.path;
    this._analysis = null;
    this._obstacle = panel ? null : NO_NOTEBOOK;
    this._notebookChanged.emit(panel);
    this._analysisChanged.emit();
    if (panel) {
      panel.content.modelContentChanged.connect(this.onEdit, this);
      panel.context.pathChanged.connect(this.onPath, this);
      void panel.context.ready.then(() => this.analyse());
      void this.loadStatus();
    }
  }

  private onPath(): void {
    this._choices.move(this._knownPath, this.path);
    this._knownPath = this.path;
    this._notebookChanged.emit(this._notebook);
    void this.analyse();
    void this.loadStatus();
  }

  private onEdit(): void {
    void this._debouncer.invoke();
  }

  private onEvent(_: EventStream, event: IEvent): void {
    if (event.type === 'job' && event['job']) {
      this.note(event['job'] as Job);
    } else if (event.type === 'log') {
      const heard = event as unknown as LogEvent;
      if (this._book.hear(heard)) {
        this._logChanged.emit(heard.id);
      }
    } else if (event.type === 'job-gone') {
      this.forget(event['id'] as string);
    } else if (event.type === 'hello' && event['resumed'] === false) {
      void this.loadJobs().catch(() => undefined);
    }
  }

  private onConnection(_: EventStream, connected: boolean): void {
    if (!connected) {
      this._book.miss();
      void this.loadStatus();
      return;
    }
    void this.loadStatus();
    void this.loadJobs().catch(() => undefined);
    if (this._obstacle?.kind === 'failed') {
      void this.analyse();
    }
  }

  private note(job: Job): void {
    const before = this._book.get(job.id);
    if (!this._book.note(job)) {
      return;
    }
    this._jobChanged.emit(job);
    if (hasEnded(job) && before && !hasEnded(before)) {
      // kernels may be warm by now, and the store has one run more
      void this.loadStatus();
    }
  }

  private forget(id: string): void {
    const job = this._book.get(id);
    if (job) {
      this._book.forget(id);
      this._jobChanged.emit(job);
    }
  }

  private tellStatus(status: Status | null, problem: ApiError | null): void {
    this._status = status;
    this._statusProblem = problem;
    this._statusChanged.emit();
  }

  private tell(analysis: Analysis | null, obstacle: Obstacle | null): void {
    this._analysis = analysis;
    this._obstacle = obstacle;
    this._analysisChanged.emit();
  }

  private _notebook: NotebookPanel | null = null;
  private _analysis: Analysis | null = null;
  private _obstacle: Obstacle | null = NO_NOTEBOOK;
  private _status: Status | null = null;
  private _statusProblem: ApiError | null = null;
  private _knownPath = '';
  private _asked: AbortController | null = null;
  private _isDisposed = false;
  private readonly _choices: Choices;
  private readonly _book = new JobBook();
  private readonly _debouncer = new Debouncer(() => this.analyse(), PAUSE);
  private readonly _notebookChanged = new Signal<this, NotebookPanel | null>(this);
  private readonly _analysisChanged = new Signal<this, void>(this);
  private readonly _jobChanged = new Signal<this, Job>(this);
  private readonly _logChanged = new Signal<this, string>(this);
  private readonly _statusChanged = new Signal<this, void>(this);
  private readonly _choiceChanged = new Signal<this, void>(this);
}
