/**
 * Keep the keys pressed in an element from being commands of the notebook, which takes every letter, and Enter, wherever
 * the focus is within it. The attribute counts at the element alone, since the notebook's shortcuts ask for what has the focus.
 */
export function ownKeys<T extends HTMLElement>(element: T): T {
  element.setAttribute('data-lm-suppress-shortcuts', 'true');
  return element;
}
