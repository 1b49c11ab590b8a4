import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

/** The path of the server's part below the base URL. */
export const ROOT = 'jupyter-mlops/api';

/** What the server says of a request that it refuses. */
export interface IProblem {
  readonly message: string;
  readonly hint?: string | null;
  readonly code?: string | null;
  readonly where?: unknown;
  readonly details?: string | null;
}

/** A refused or failed request: what happened, and what to do. */
export class ApiError extends Error {
  /**
   * @param problem - what the server says
   * @param status - the HTTP status; 0 where no answer came
   */
  constructor(
    readonly problem: IProblem,
    readonly status: number
  ) {
    super(problem.message);
    this.name = 'ApiError';
  }

  /** Whether the server was not reached, so that trying again makes sense. */
  get isOffline(): boolean {
    return this.status === 0;
  }

  /** Whether the server does not know this part of the API at all: the extension is missing there. */
  get isMissing(): boolean {
    return this.status === 404 && this.problem.code === 'no-extension';
  }
}

export type Query = Readonly<Record<string, string | number | boolean | readonly string[] | null | undefined>>;
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Asks the server; every failure is an `ApiError`. */
export class Client {
  constructor(readonly settings: ServerConnection.ISettings) {}

  /** The address of a path of the API. */
  url(path: string, query?: Query): string {
    const base = URLExt.join(this.settings.baseUrl, ROOT, path);
    const text = asText(query);
    return text ? `${base}?${text}` : base;
  }

  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return this.request<T>('GET', path, { query, signal });
  }

  async send<T>(method: Exclude<Method, 'GET'>, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
    return this.request<T>(method, path, { body, signal });
  }

  /** The text of an answer that is not JSON, such as a report. */
  async text(path: string, query?: Query, signal?: AbortSignal): Promise<string> {
    return (await this.answer('GET', path, { query, signal })).text();
  }

  private async request<T>(method: Method, path: string, wish: IWish): Promise<T> {
    const response = await this.answer(method, path, wish);
    return (response.status === 204 ? undefined : await response.json()) as T;
  }

  private async answer(method: Method, path: string, { query, body, signal }: IWish): Promise<Response> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.body = JSON.stringify(body);
    }
    if (signal) {
      init.signal = signal;
    }
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(this.url(path, query), init, this.settings);
    } catch (error) {
      if (signal?.aborted) {
        throw error;
      }
      throw new ApiError({ message: 'The Jupyter server can’t be reached.', hint: String(error) }, 0);
    }
    if (!response.ok) {
      throw new ApiError(await problemOf(response), response.status);
    }
    return response;
  }
}

interface IWish {
  readonly query?: Query | undefined;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
}

function asText(query: Query | undefined): string {
  const found = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value === null || value === undefined) {
      continue;
    }
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      found.append(name, String(one));
    }
  }
  return found.toString();
}

async function problemOf(response: Response): Promise<IProblem> {
  const text = await response.text();
  try {
    const found = (JSON.parse(text) as { error?: IProblem }).error;
    if (found && typeof found.message === 'string') {
      return found;
    }
  } catch {
    // no JSON: something else than our part of the server answered
  }
  if (response.status === 404) {
    return {
      message: 'The server extension of jupyter-mlops is not there.',
      hint: 'Install jupyter-mlops where the Jupyter server runs, and start the server again.',
      code: 'no-extension'
    };
  }
  return { message: `The server answered ${response.status} ${response.statusText}.`, details: text.slice(0, 2000) };
}
