import { URLExt } from '@jupyterlab/coreutils';
import type { ServerConnection } from '@jupyterlab/services';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';
import { ROOT } from './client';

/** A message of the server's event stream. */
export interface IEvent {
  readonly type: string;
  readonly seq?: number;
  readonly [name: string]: unknown;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 30_000;

/** The server's event stream: connects again after a cut, from where it was. */
export class EventStream implements IDisposable {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  get message(): ISignal<this, IEvent> {
    return this._message;
  }

  /** Emitted with whether it is connected. */
  get connection(): ISignal<this, boolean> {
    return this._connection;
  }

  get isConnected(): boolean {
    return this._isConnected;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Connect; does nothing when it was called before. */
  start(): void {
    if (!this._socket && !this._timer && !this._isDisposed) {
      this.connect();
    }
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    window.clearTimeout(this._timer);
    this._socket?.close();
    Signal.clearData(this);
  }

  private connect(): void {
    this._timer = undefined;
    const url = new URL(URLExt.join(this.settings.wsUrl, ROOT, 'events'));
    if (this._last !== null) {
      url.searchParams.set('since', String(this._last));
    }
    if (this.settings.appendToken && this.settings.token) {
      url.searchParams.set('token', this.settings.token);
    }
    const socket = new this.settings.WebSocket(url.toString());
    this._socket = socket;
    socket.onopen = () => {
      this._wait = FIRST_WAIT;
      this.tell(true);
    };
    socket.onmessage = event => this.hear(event);
    socket.onclose = () => this.again();
  }

  private hear(event: MessageEvent): void {
    let message: IEvent;
    try {
      message = JSON.parse(String(event.data)) as IEvent;
    } catch {
      return;
    }
    if (typeof message.seq === 'number') {
      this._last = message.seq;
    }
    this._message.emit(message);
  }

  private again(): void {
    this._socket = null;
    this.tell(false);
    if (this._isDisposed) {
      return;
    }
    this._timer = window.setTimeout(() => this.connect(), this._wait);
    this._wait = Math.min(this._wait * 2, LONGEST_WAIT);
  }

  private tell(connected: boolean): void {
    if (connected !== this._isConnected) {
      this._isConnected = connected;
      this._connection.emit(connected);
    }
  }

  private _message = new Signal<this, IEvent>(this);
  private _connection = new Signal<this, boolean>(this);
  private _socket: WebSocket | null = null;
  private _timer: number | undefined;
  private _wait = FIRST_WAIT;
  private _last: number | null = null;
  private _isConnected = false;
  private _isDisposed = false;
}
