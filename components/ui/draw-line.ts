/**
 * Draws the last values as a filled line on the whole canvas, newest at its right edge, sharp on any screen.
 *
 * @param values oldest first; fewer than two draw nothing
 * @param look `top`: the value at the upper edge; `slots`: how many values the width has room for; `variable`: the
 *   CSS variable of the colour
 */
export function drawLine(
  canvas: HTMLCanvasElement,
  values: readonly number[],
  look: { top: number; slots: number; variable: string; lineWidth: number; fillAlpha: number },
): void {
  const { slots, top } = look
  const scale = window.devicePixelRatio
  const { clientWidth: width, clientHeight: height } = canvas
  // setting a size clears the canvas and costs; it is done when it has changed
  const pixels = { width: Math.round(width * scale), height: Math.round(height * scale) }
  if (canvas.width !== pixels.width || canvas.height !== pixels.height)
    Object.assign(canvas, pixels)
  const context = canvas.getContext('2d')
  if (context === null) return
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, width, height)
  if (values.length < 2) return
  const shown = values.slice(-slots)
  const step = width / (slots - 1)
  const left = width - (shown.length - 1) * step
  const share = (value: number) => Math.min(top, Math.max(0, value)) / top
  const colour = getComputedStyle(canvas).getPropertyValue(look.variable)
  context.beginPath()
  shown.forEach((value, index) =>
    context.lineTo(left + index * step, height - 1.5 - share(value) * (height - 3.5)),
  )
  context.strokeStyle = colour
  context.lineWidth = look.lineWidth
  context.lineJoin = 'round'
  context.stroke()
  context.lineTo(width, height)
  context.lineTo(left, height)
  context.closePath()
  context.globalAlpha = look.fillAlpha
  context.fillStyle = colour
  context.fill()
  context.globalAlpha = 1
}
