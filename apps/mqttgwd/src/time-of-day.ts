const two = (value: number) => String(value).padStart(2, '0');

/** `07:44:58`, where this machine is. */
export function timeOfDay(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** `22/11 07:44:58`, as the original writes it. */
export function dayAndTime(date: Date): string {
  return `${two(date.getDate())}/${two(date.getMonth() + 1)} ${timeOfDay(date)}`;
}
