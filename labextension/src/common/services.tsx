import type { ISignal } from '@lumino/signaling';
import { createContext, useContext, useEffect, useReducer } from 'react';
import type { IServices } from '../panel/sidepanel';

const Context = createContext<IServices | null>(null);

export const ServicesProvider = Context.Provider;

/** What every view of the extension is given. */
export function useServices(): IServices {
  const found = useContext(Context);
  if (!found) {
    throw new Error('There are no services around this view.');
  }
  return found;
}

/** Render again whenever one of the signals is emitted. */
export function useSignals(...signals: readonly ISignal<unknown, unknown>[]): void {
  const [, again] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const slot = (): void => again();
    signals.forEach(signal => signal.connect(slot));
    return () => signals.forEach(signal => void signal.disconnect(slot));
    // the signals of a session stay the same
  }, []);
}
