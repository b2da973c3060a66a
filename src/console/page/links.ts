/** Takes over the links that lead to addresses of the page: they are gone to without loading it anew. */
export function followLinks(go: (address: string) => void): void {
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
    if (link === null || !plain || event.defaultPrevented) return;
    if (link.target !== '' || link.hasAttribute('download')) return;
    if (link.origin !== window.location.origin || !/^\/console(\/|$)/.test(link.pathname)) return;
    if (isWithin(link)) {
      event.preventDefault();
      const found = document.getElementById(link.hash.slice(1));
      found?.focus();
      found?.scrollIntoView();
      return;
    }
    event.preventDefault();
    go(link.href);
  });
}

/** A link to a part of what is shown, as the one that skips to the content: no other address. */
function isWithin({ hash, pathname, search }: HTMLAnchorElement): boolean {
  return hash !== '' && pathname === window.location.pathname && search === window.location.search;
}
