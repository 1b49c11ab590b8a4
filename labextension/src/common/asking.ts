import { useCallback, useEffect, useRef, useState } from 'react';

/** An answer of the server, with what to do about it. */
export interface IAnswer<T> {
  /** The newest answer; while a newer one is on its way, the former. */
  readonly value: T | null;
  readonly error: Error | null;
  readonly isLoading: boolean;
  /** Ask once more. */
  readonly again: () => void;
}

/**
 * Ask the server whenever the key changes; an answer that is no longer wanted is dropped.
 *
 * @param key - says what is asked; null asks nothing
 * @param ask - asks it
 */
export function useAnswer<T>(key: string | null, ask: (signal: AbortSignal) => Promise<T>): IAnswer<T> {
  const [state, setState] = useState<{ key: string | null; value: T | null; error: Error | null }>(NOTHING);
  const [isLoading, setLoading] = useState(key !== null);
  const [turn, setTurn] = useState(0);
  const asking = useRef(ask);
  asking.current = ask;
  useEffect(() => {
    if (key === null) {
      setState(NOTHING);
      setLoading(false);
      return;
    }
    const stop = new AbortController();
    setLoading(true);
    void asking
      .current(stop.signal)
      .then(value => ({ key, value, error: null }))
      .catch((error: unknown) => ({ key, value: null, error: error instanceof Error ? error : new Error(String(error)) }))
      .then(found => {
        if (!stop.signal.aborted) {
          setState(found);
          setLoading(false);
        }
      });
    return () => stop.abort();
  }, [key, turn]);
  const again = useCallback(() => setTurn(count => count + 1), []);
  return { value: state.value, error: state.error, isLoading, again };
}

const NOTHING = { key: null, value: null, error: null };
